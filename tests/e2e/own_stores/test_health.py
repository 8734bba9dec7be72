"""`/readyz` and `/statusz` in each of the states that docs/api.md lists, and what a start does."""

import shutil
import signal
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import pytest
import redis

from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.orders.cards import card_key_id
from service.start import StartRefused
from stores.redis.keys import GROUPS
from tests.e2e.conftest import AS_OF, SECRET, environment_of
from tests.e2e.fault_proxy import a_fault_proxy
from tests.e2e.in_process import InProcess, Stores, a_service, noon_of, standing_clocks
from tests.e2e.published import OnlineStore
from tests.e2e.running import TIMEOUT_SECONDS, RunningService, running_service

Result = TypeVar("Result")
NOTHING_THERE = "127.0.0.1:1"
NOON = standing_clocks(noon_of(2018, 6, 1))
CHECKS = ("model", "schema", "entity_key", "card_key", "clock", "drain")
ALL_OK = {name: {"state": "ok"} for name in CHECKS}
SKEWED_CLOCK = (
    "CREATE OR REPLACE FUNCTION ontem_clock() RETURNS timestamptz LANGUAGE sql VOLATILE"
    " AS $$ SELECT clock_timestamp() + interval '{}' $$"
)


@pytest.fixture
def online(redis_url: str, features: FeatureSet) -> OnlineStore:
    return OnlineStore(redis_url, features, SECRET)


def the_start(stores: Stores) -> str:
    """What a start of another process says when it is refused, nothing when it is not."""
    try:
        stores.process().check()
    except StartRefused as refused:
        return str(refused)
    return ""


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
            "UPDATE stack SET environment = 'production'",
            "the database was migrated as production, and ONTEM_ENVIRONMENT is development",
            "set it to production, or name another database",
        ),
    ],
    ids=["no schema", "older schema", "newer schema", "other environment"],
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

    unknown = {"state": "unknown", "remedy": "PostgreSQL does not answer: see /statusz"}
    assert ready.status_code == 200
    asked = ("schema", "entity_key", "card_key", "clock")
    assert ready.json["checks"] == ALL_OK | dict.fromkeys(asked, unknown)
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


def test_a_service_that_is_told_to_stop_first_says_that_it_is_not_ready(
    stores: Stores, tmp_path: Path
):
    environ = environment_of(stores.postgres_url, stores.redis_url, stores.model_folder)
    with running_service(environ, tmp_path / "log", "--drain-seconds", "600") as service:
        client = service.client()
        assert client.send("GET", "/readyz").status == 200
        service.process.send_signal(signal.SIGTERM)
        ready = until(lambda: client.send("GET", "/readyz"), lambda answer: answer.status == 503)

        assert ready.body["checks"]["drain"]["state"] == "draining"
        assert client.send("GET", "/livez").status == 200
        assert client.evaluate({}).status == 422  # it still answers
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(TIMEOUT_SECONDS) == 0


def test_a_drain_ends_by_itself(stores: Stores, tmp_path: Path):
    environ = environment_of(stores.postgres_url, stores.redis_url, stores.model_folder)
    with running_service(environ, tmp_path / "log", "--drain-seconds", "1") as service:
        service.process.send_signal(signal.SIGTERM)

        assert service.process.wait(TIMEOUT_SECONDS) == 0


def test_a_new_model_is_served_after_a_hup_unless_it_is_refused(
    stores: Stores, model_folder: Path, tmp_path: Path
):
    folder = tmp_path / "model"
    shutil.copytree(model_folder, folder)
    environ = environment_of(stores.postgres_url, stores.redis_url, folder)
    pickle = (folder / "model.pickle").read_bytes()
    with running_service(environ, tmp_path / "log") as service:
        (folder / "model.pickle").write_bytes(pickle + b"\0")
        service.process.send_signal(signal.SIGHUP)
        refused = wait_for_model(service, "its successor is refused")
        ready = service.client().send("GET", "/readyz")

        assert "a-test-model serves" in refused["state"]
        assert "sha256" in refused["remedy"]
        assert ready.status == 200

        (folder / "model.pickle").write_bytes(pickle)
        service.process.send_signal(signal.SIGHUP)
        assert wait_for_model(service, "ok") == {"state": "ok"}


def wait_for_model(service: RunningService, words: str) -> dict[str, str]:
    """The state of the model once a process answers that was made after the HUP."""
    return until(
        lambda: service.client().send("GET", "/statusz").body["states"]["model"],
        lambda state: words in state["state"],
    )


def until(ask: Callable[[], Result], holds: Callable[[Result], bool]) -> Result:
    """The first answer for which that holds; the last one if there is none for a long time."""
    give_up = time.monotonic() + TIMEOUT_SECONDS
    while not holds(answer := ask()) and time.monotonic() < give_up:
        pass
    return answer


def test_a_process_without_a_model_does_not_start(stores: Stores, tmp_path: Path):
    stores.model_folder = tmp_path

    assert "manifest.json" in the_start(stores)


def test_all_is_well_with_the_due_snapshot(stores: Stores, online: OnlineStore):
    online.publish(AS_OF)
    with a_service(stores, NOON) as service:
        status = service.client.get("/statusz")

    names = ("postgresql", "redis", "snapshot", "model")
    assert status.json == {"ok": True, "states": {name: {"state": "ok"} for name in names}}


@pytest.mark.parametrize(
    ("days", "state"),
    [(1, "stale by 1 days"), (2, "stale by 2 days"), (3, "none of the last 2 days")],
)
def test_an_older_snapshot_than_the_due_one_names_the_night_to_run(
    stores: Stores, online: OnlineStore, days: int, state: str
):
    online.publish(AS_OF - timedelta(days=days))
    with a_service(stores, NOON) as service:
        snapshot, ready = service.states["snapshot"], service.readiness

    assert snapshot == {"state": state, "remedy": f"run `ontem night --as-of {AS_OF}`"}
    assert ready.json["checks"]["model"] == {"state": "ok"}


def test_tomorrow_s_snapshot_is_not_today_s(stores: Stores, online: OnlineStore):
    online.publish(date(2018, 6, 2))
    with a_service(stores, NOON) as service:
        assert service.states["snapshot"]["state"] == "none of the last 2 days"


def test_an_empty_redis_is_told_apart_from_one_that_is_away(stores: Stores, redis_url: str):
    address = urlsplit(redis_url)
    credentials = address.netloc.rpartition(":")[0]
    with a_fault_proxy(address.hostname or "", address.port or 0) as proxy:
        stores.redis_url = address._replace(netloc=f"{credentials}:{proxy.port}").geturl()
        with a_service(stores) as service:
            empty = service.states
            proxy.refuse()
            away, ready = service.states, service.readiness
            refusal = the_start(stores)

    assert (empty["redis"]["state"], empty["snapshot"]["state"]) == ("ok", "none is published")
    assert "ontem publish" in empty["snapshot"]["remedy"]
    assert (away["redis"]["state"], away["snapshot"]["state"]) == ("away", "away")
    assert (ready.status_code, refusal) == (200, "")


@pytest.mark.parametrize(
    ("groups", "state", "remedy"),
    [
        (range(1), "copies of the list of loads are lost", "the next night writes them all"),
        (range(GROUPS), "damaged list of loads", "run `ontem publish`"),
    ],
)
def test_a_damaged_list_of_loads_is_told(
    stores: Stores, online: OnlineStore, groups: range, state: str, remedy: str
):
    online.publish(AS_OF)
    with redis.Redis.from_url(online.url) as client, a_service(stores, NOON) as service:
        for group in groups:
            client.set(online.namespace.list_key(group), b"damaged")

        assert service.states["snapshot"] == {"state": state, "remedy": remedy}


def test_a_redis_that_may_evict_is_told(stores: Stores, redis_url: str):
    with redis.Redis.from_url(redis_url) as client, a_service(stores, NOON) as service:
        client.config_set("maxmemory-policy", "allkeys-lru")
        try:
            state, ready = service.states["redis"], service.readiness
        finally:
            client.config_set("maxmemory-policy", "noeviction")

    assert state["state"] == "may evict (allkeys-lru)"
    assert "noeviction" in state["remedy"]
    assert ready.json["checks"]["model"] == {"state": "ok"}


def test_a_database_without_a_schema_is_told(
    stores: Stores, database_url: str, empty_database_url: str
):
    stores.postgres_url = empty_database_url
    with a_service(stores, database_url=database_url) as service:
        assert service.states["postgresql"] == {
            "state": "without schema",
            "remedy": "run `ontem migrate`",
        }
