"""What a service asks of PostgreSQL belongs to a transaction, so that a pooler can stand between.

ONTEM_TEST_PGBOUNCER=1 puts a real PgBouncer, 1.21 or newer, before PostgreSQL in all tests of a
service; it must be on the PATH.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from features_pkg.definitions.feature_set import FeatureSet
from stores.postgres.connection import connect
from tests.e2e.conftest import Shop, a_shop, environment_of
from tests.e2e.running import PROJECT, HttpAnswer, running_service
from tests.e2e.sent_statements import RecordingProxy

OF_A_SESSION = re.compile(
    r"^\s*(SET\s+(?!LOCAL)|LISTEN|PREPARE|EXECUTE|DEALLOCATE|DISCARD|DECLARE|LOAD"
    r"|CREATE\s+(LOCAL\s+|GLOBAL\s+)?TEMP)"
    r"|pg_(try_)?advisory_(un)?lock|set_config\([^)]*,\s*false\)|\b(currval|lastval)\b",
    re.IGNORECASE,
)
SET = re.compile(r"SET (\w+) = (\w+)")


@pytest.fixture(scope="module")
def statements(
    service_database_url: str,
    service_redis_url: str,
    model_folder: Path,
    features: FeatureSet,
    tmp_path_factory: pytest.TempPathFactory,
) -> list[str]:
    """All that a service sent to PostgreSQL, for requests of each kind."""
    address = urlsplit(service_database_url)
    proxy = RecordingProxy((address.hostname or "", address.port or 0))
    netloc = f"{address.netloc.rpartition(':')[0]}:{proxy.port}"
    environ = environment_of(service_database_url, service_redis_url, model_folder)
    environ["ONTEM_POSTGRES_URL"] = address._replace(netloc=netloc).geturl()
    log = tmp_path_factory.mktemp("behind") / "log"
    with (
        running_service(environ, log) as service,
        connect(service_database_url, application_name="test", autocommit=True) as database,
    ):
        shop = a_shop(service, database, features)
        answers = list(answers_of_each_kind(shop))
    proxy.refuse()
    assert [each.status for each in answers] == [200] * len(answers)
    return proxy.statements()


def answers_of_each_kind(shop: Shop) -> Iterator[HttpAnswer]:
    """The answers to requests on each path that asks PostgreSQL."""
    order = {"order_id": "one", "amount_cents": 1990, "document": "52998224725"}
    own = {"Authorization": f"Bearer {shop.client.key}"}
    evaluated = shop.evaluate(order, at=None)
    yield evaluated
    for path, sent in {
        "/orders/batch": {"orders": [order | {"order_id": "two"}]},
        "/chargebacks": {"order_id": "one"},
    }.items():
        headers = {**own, "Content_Type": "application/json", "Idempotency_Key": path}
        yield shop.client.send("POST", path, json.dumps(sent).encode(), **headers)
    stored = f"/evaluations/{evaluated.body['evaluation_id']}"
    for path in (stored, f"{stored}/explain", "/evaluations?order_id=one", "/readyz", "/statusz"):
        yield shop.client.send("GET", path, **own)


def test_nothing_that_a_request_needs_belongs_to_a_session(statements: list[str]) -> None:
    assert any("INSERT INTO orders" in each for each in statements)
    others = [each for each in statements if not SET.fullmatch(each)]
    assert [each for each in others if OF_A_SESSION.search(each)] == []


def test_what_a_session_sets_when_it_begins_is_a_setting_of_the_role_as_well(
    statements: list[str],
) -> None:
    of_the_role = (PROJECT / "sql" / "service_role.sql").read_text(encoding="utf-8")
    settings = {SET.fullmatch(each).groups() for each in statements if SET.fullmatch(each)}

    assert settings
    for name, value in settings:
        assert f"ALTER ROLE ontem_service SET {name} = '{value}';" in of_the_role
