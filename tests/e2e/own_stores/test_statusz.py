"""`/statusz` in each of the states of the snapshots and stores that docs/api.md lists."""

from datetime import date, timedelta
from urllib.parse import urlsplit

import pytest
import redis

from features_pkg.definitions.feature_set import FeatureSet
from stores.redis.keys import GROUPS
from tests.e2e.conftest import AS_OF
from tests.e2e.fault_proxy import a_fault_proxy
from tests.e2e.in_process import Stores, a_service, noon_of, standing_clocks, the_start
from tests.e2e.published import OnlineStore

NOON = standing_clocks(noon_of(2018, 6, 1))


def test_all_is_well_with_the_due_snapshot(
    stores: Stores, online: OnlineStore, features: FeatureSet
):
    online.publish(AS_OF)
    with a_service(stores, NOON) as service:
        status = service.client.get("/statusz")

    names = ("postgresql", "redis", "snapshot", "model")
    assert status.json["ok"]
    assert status.json["states"] == {name: {"state": "ok"} for name in names}
    assert status.json["served"] == {
        "version": "unknown",  # the command knows it
        "commit": "",
        "model": "a-test-model",
        "feature_set": features.version,
        "snapshot": {"as_of": "2018-06-01", "age_days": 0, "stale_days": 0},
    }


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
