"""`/readyz` in each of the states that docs/api.md lists, and what a start does."""

import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from features_pkg.orders.cards import card_key_id
from stores.postgres.migrate import migrate
from stores.urls import with_login
from tests.e2e.conftest import SECRET
from tests.e2e.fault_proxy import FaultProxy, a_fault_proxy
from tests.e2e.in_process import InProcess, Stores, a_service, the_start, until
from tests.e2e.published import OnlineStore

NOTHING_THERE = "127.0.0.1:1"
CHECKS = ("model", "schema", "role", "entity_key", "card_key", "clock", "drain")
ALL_OK = {name: {"state": "ok"} for name in CHECKS}
UNKNOWN = {"state": "unknown", "remedy": "PostgreSQL does not answer: see /statusz"}
SKEWED_CLOCK = (
    "CREATE OR REPLACE FUNCTION ontem_clock() RETURNS timestamptz LANGUAGE sql VOLATILE"
    " AS $$ SELECT clock_timestamp() + interval '{}' $$"
)


def test_a_process_is_ready_whatever_all_of_them_lack(service: InProcess, stores: Stores):
    ready = service.readiness

    assert (ready.status_code, ready.json) == (200, {"ready": True, "checks": ALL_OK})
    assert service.states["ok"] is False  # Redis is empty
    assert the_start(stores) == ""


@pytest.mark.parametrize(
    ("change", "state", "remedy"),
    [
        ("DROP TABLE alembic_version", "the database has no schema", "run `ontem migrate`"),
        (
            "UPDATE alembic_version SET version_num = '0000'",
            "the database has schema revision 0000 and not yet 0001",
            "run `ontem migrate`",
        ),
        (
            "UPDATE alembic_version SET version_num = '9999'",
            "the database has schema revision 9999, which is newer than this program's 0001",
            "update Ontem here",
        ),
        (
            "UPDATE stack SET migrations_id = 'another'",
            "the database has schema revision 0001, but not as this program's migrations make it",
            "migrate an empty one (`ontem down --erase` and `make demo` make one)",
        ),
        (
            "UPDATE stack SET environment = 'production'",
            "the database was migrated as production, and ONTEM_ENVIRONMENT is development",
            "set it to production, or name another database",
        ),
    ],
    ids=["no schema", "older schema", "newer schema", "other statements", "other environment"],
)
def test_another_schema_is_not_ready_and_refuses_a_start(
    service: InProcess, stores: Stores, change: str, state: str, remedy: str
):
    service.execute(change)
    ready = service.readiness

    assert ready.status_code == 503
    assert ready.json["checks"] == ALL_OK | {"schema": {"state": state, "remedy": remedy}}
    address = urlsplit(stores.postgres_url)
    where = f"{address.hostname}:{address.port}{address.path}"
    assert the_start(stores) == f"{state} (PostgreSQL at {where}): {remedy}"


def test_in_production_a_role_that_owns_the_tables_is_not_ready_and_refuses_a_start(
    service: InProcess, stores: Stores
):
    service.execute("UPDATE stack SET environment = 'production'")
    in_production = replace(stores, environment="production")
    assert the_start(in_production) == ""

    owner = replace(in_production, as_owner=True)

    assert "the service connects as ontem, which owns the tables" in the_start(owner)


@pytest.mark.parametrize(
    ("login", "words"),
    [
        ("ontem_service:wrong", 'password authentication failed for user "ontem_service"'),
        ("nobody:wrong", 'password authentication failed for user "nobody"'),
    ],
)
def test_a_login_that_postgresql_refuses_is_not_ready_and_refuses_a_start(
    stores: Stores, database_url: str, login: str, words: str
):
    """Else a roll-out with a wrong Secret would replace pods that answer."""
    refused = replace(stores, postgres_url=with_login(database_url, login), as_owner=True)
    with a_service(refused, database_url=database_url) as service:
        ready, states = service.readiness, service.states

    state = f"the service can't log in: {words}"
    assert ready.status_code == 503
    assert ready.json["checks"]["role"]["state"] == states["postgresql"]["state"] == state
    assert state in the_start(refused)
    assert "name them in ONTEM_SERVICE_LOGIN or ONTEM_POSTGRES_URL" in the_start(refused)
    assert "wrong" not in ready.text + str(states)


@pytest.mark.parametrize(
    ("change", "thing"),
    [
        ("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM ontem_service", "table alembic_version"),
        ("REVOKE SELECT ON stack FROM ontem_service", "table stack"),
    ],
)
def test_a_role_without_its_rights_is_not_ready_and_refuses_a_start_until_a_migration(
    service: InProcess, stores: Stores, change: str, thing: str
):
    """As one that was made after the migration."""
    assert service.readiness.status_code == 200
    service.execute(change)
    state = f"the service's role lacks a right: permission denied for {thing}"

    ready = service.readiness

    assert ready.status_code == 503
    assert ready.json["checks"]["schema"]["state"] == state
    assert "run `ontem migrate`, which grants it" in the_start(stores)
    migrate(stores.postgres_url, environment="development")
    assert service.readiness.status_code == 200


def test_another_card_key_is_not_ready_and_refuses_a_start(service: InProcess, stores: Stores):
    service.execute("UPDATE stack SET card_key_id = 'that of then'")
    ready = service.readiness

    assert ready.status_code == 503
    state = ready.json["checks"]["card_key"]
    here = card_key_id(SECRET)
    assert state["state"] == (
        "the database has card numbers under another ONTEM_CARD_KEY (that of then) "
        f"than this one ({here})"
    )
    assert state["remedy"].startswith("set it to the former one")
    assert state["state"] in the_start(stores)

    service.execute(f"UPDATE stack SET card_key_id = '{here}'")
    assert service.readiness.json["checks"] == ALL_OK
    assert the_start(stores) == ""


@pytest.mark.parametrize(
    ("skew", "words"), [("2 s", "s behind"), ("-1 hour", "s ahead of"), ("1 day", "s behind")]
)
def test_a_clock_that_is_not_the_database_s_is_not_ready_and_refuses_a_start(
    service: InProcess, stores: Stores, skew: str, words: str
):
    service.execute(SKEWED_CLOCK.format(skew))
    ready = service.readiness

    assert ready.status_code == 503
    assert words in ready.json["checks"]["clock"]["state"]
    assert ready.json["checks"]["schema"] == {"state": "ok"}
    assert "keep it right with NTP" in the_start(stores)


def test_another_entity_key_than_that_of_the_nights_is_not_ready_and_refuses_a_start(
    service: InProcess, stores: Stores, online: OnlineStore
):
    ours, timelines = online.keys.key_id, online.features.timelines_id
    assert service.readiness.json["checks"]["entity_key"] == {"state": "ok"}
    a_load(service, timelines, "0123456789ab", published=False)
    assert service.readiness.status_code == 200

    a_load(service, timelines, "0123456789ab")
    ready = service.readiness
    assert ready.status_code == 503
    assert ready.json["checks"]["entity_key"] == {
        "state": f"no load is published under this ONTEM_ENTITY_KEY ({ours}), but under "
        "0123456789ab",
        "remedy": "set the key of the nights, or run a night under this one",
    }
    assert f"ONTEM_ENTITY_KEY ({ours})" in the_start(stores)

    a_load(service, timelines, ours)  # while the key is being changed, both have loads
    a_load(service, timelines, "0123456789ab")
    assert service.readiness.status_code == 200


def a_load(service: InProcess, timelines: str, key_id: str, *, published: bool = True) -> None:
    service.execute(
        "INSERT INTO loads (as_of, cutoff, watermark, timelines, entity_key_id, revision,"
        " snapshot_id, metadata_location, published_at)"
        f" VALUES ('2018-06-01', now(), '7', '{timelines}', '{key_id}', 'r', 1, 'm',"
        f" {'now()' if published else 'NULL'})"
    )


def test_without_postgresql_a_process_is_ready_and_starts(stores: Stores, database_url: str):
    stores.postgres_url = f"postgresql://ana:secret@{NOTHING_THERE}/db"
    with a_service(stores, database_url=database_url) as service:
        ready, states = service.readiness, service.states

    assert ready.status_code == 200
    asked = ("model", "schema", "role", "entity_key", "card_key", "clock")
    assert ready.json["checks"] == ALL_OK | dict.fromkeys(asked, UNKNOWN)
    assert states["postgresql"]["state"] == "away"
    assert "secret" not in ready.text + str(states)
    assert the_start(stores) == ""


def test_a_postgresql_that_hangs_holds_up_no_probe(stores: Stores, database_url: str):
    address = urlsplit(database_url)
    credentials = address.netloc.rpartition(":")[0]
    with a_fault_proxy(address.hostname or "", address.port or 0) as proxy:
        stores.postgres_url = address._replace(netloc=f"{credentials}:{proxy.port}").geturl()
        stores.health_timeout = timedelta(milliseconds=100)
        with a_service(stores, database_url=database_url) as service:
            until(lambda: service.readiness.json["checks"], lambda checks: checks == ALL_OK)
            proxy.fault = "silent"
            ready, states = service.readiness, service.states
            proxy.refuse()
            proxy.recover()
            after = until(lambda: service.readiness.json["checks"], lambda checks: checks == ALL_OK)

    assert ready.status_code == 200
    assert ready.json["checks"]["schema"]["state"] == "unknown"
    assert states["postgresql"]["state"] == "away"
    assert after == ALL_OK


def test_all_checks_together_wait_no_longer_than_one(
    stores: Stores, database_url: str, redis_url: str
):
    postgres, redis = urlsplit(database_url), urlsplit(redis_url)
    with (
        a_fault_proxy(postgres.hostname or "", postgres.port or 0) as to_postgres,
        a_fault_proxy(redis.hostname or "", redis.port or 0) as to_redis,
    ):
        stores.postgres_url = through(to_postgres, database_url)
        stores.redis_url = through(to_redis, redis_url)
        stores.health_timeout = timedelta(seconds=1)
        with a_service(stores, database_url=database_url) as service:
            to_postgres.fault = to_redis.fault = "silent"
            started = time.monotonic()
            ready, states = service.readiness, service.states
            seconds = time.monotonic() - started

    assert ready.json["checks"] == {**dict.fromkeys(CHECKS, UNKNOWN), "drain": {"state": "ok"}}
    assert [states[name]["state"] for name in ("postgresql", "redis", "snapshot")] == ["away"] * 3
    assert seconds < 4  # 1 s for each path; one by one the checks would take 8 s


def through(proxy: FaultProxy, url: str) -> str:
    """The URL of a store that is reached through the proxy."""
    address = urlsplit(url)
    credentials = address.netloc.rpartition("@")[0]
    return address._replace(netloc=f"{credentials}@127.0.0.1:{proxy.port}").geturl()


def test_a_process_without_a_model_does_not_start(stores: Stores, tmp_path: Path):
    stores.model_folder = tmp_path

    assert "manifest.json" in the_start(stores)
