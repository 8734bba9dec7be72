"""Which snapshot an order uses, and what happens when there is none."""

from datetime import date
from itertools import count
from typing import Any

import pytest
import redis

from features_pkg.calendar import Calendar
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.identifiers import MERCHANT, Identifier
from stores.redis.keys import GROUPS, group_of
from tests.e2e.conftest import RunningService, Shop, a_shop
from tests.e2e.published import OnlineStore, a_timeline
from tests.online import bucket_key

CPF = "52998224725"
MAY_30, MAY_31, JUNE_1 = date(2018, 5, 30), date(2018, 5, 31), date(2018, 6, 1)


@pytest.fixture
def online(online: OnlineStore) -> OnlineStore:
    """A store that has a snapshot as of May 30th only."""
    online.publish(MAY_30)
    return online


def an_order(order_id: str, **fields: Any) -> dict[str, Any]:
    return {"order_id": order_id, "amount_cents": 1990, "document": CPF, **fields}


def seen_on(features: FeatureSet, *days: date) -> bytes:
    """The timeline of a document that was in an order in the first second of each day."""
    calendar = Calendar(features.timezone)
    instants = [calendar.cutoff_us(day.toordinal()) + 1 for day in days]
    return a_timeline(features, Identifier.DOCUMENT, *instants)


def test_the_snapshot_depends_on_the_instant_and_the_lag_alone(shop: Shop, online: OnlineStore):
    online.publish(MAY_31)
    online.publish(JUNE_1)

    before = shop.evaluate(an_order("a"), at="2018-06-01T06:59:59.999999Z").body
    after = shop.evaluate(an_order("b"), at="2018-06-01T07:00:00Z").body

    assert (before["as_of"], before["stale"]) == ("2018-05-31", False)
    assert (after["as_of"], after["stale"]) == ("2018-06-01", False)


def test_every_entity_is_read_for_the_one_load_of_the_request(
    shop: Shop, online: OnlineStore, features: FeatureSet
):
    document = (shop.merchant.merchant_id, "document", CPF)
    online.publish(MAY_31, {document: seen_on(features, MAY_30)})
    online.publish(JUNE_1, {document: seen_on(features, MAY_30, MAY_31)})

    shop.evaluate(an_order("a"), at="2018-06-01T06:59:59Z")
    shop.evaluate(an_order("b"), at="2018-06-01T07:00:00Z")

    assert shop.vector("a")["document_orders_7d_distant"] == 1
    assert shop.vector("b")["document_orders_7d_distant"] == 2
    assert shop.vector("b")["document_orders_1d_distant"] == 1


def test_without_the_due_snapshot_the_newest_older_one_serves_and_no_day_is_lost(
    shop: Shop, online: OnlineStore
):
    shop.evaluate(an_order("first"), at="2018-05-30T03:00:00Z")
    shop.evaluate(an_order("second"), at="2018-05-30T12:00:00Z")
    answer = shop.evaluate(an_order("asked"), at="2018-06-01T15:00:00Z").body

    assert (answer["as_of"], answer["stale"], answer["degraded"]) == (
        "2018-05-30",
        True,
        False,
    )
    assert shop.stored("stale_days", "asked") == [(2,)]
    assert shop.vector("asked")["document_orders_since_cutoff_recent"] == 2


def test_a_snapshot_older_than_max_stale_is_not_used(shop: Shop, online: OnlineStore):
    answer = shop.evaluate(an_order("asked"), at="2018-06-02T15:00:00Z").body

    assert answer["missing"] == ["distant"]
    assert (answer["score"], answer["decision"]) == (None, "block")
    assert (answer["as_of"], answer["degraded"]) == (None, True)


def test_an_emptied_redis_makes_nobody_a_new_customer(
    shop: Shop, online: OnlineStore, service_redis_url: str
):
    with redis.Redis.from_url(service_redis_url) as client:
        client.flushdb()
    answer = shop.evaluate(an_order("asked"), at="2018-05-30T15:00:00Z").body

    assert answer["missing"] == ["distant"]
    vector = shop.vector("asked")
    assert vector["document_orders_7d_distant"] != 0
    status = shop.client.send("GET", "/statusz").body
    assert status["states"]["snapshot"]["state"] == "none is published"


def test_a_bucket_that_is_another_one_s_is_missing_and_never_scored(
    shop: Shop, online: OnlineStore, features: FeatureSet, service_redis_url: str
):
    merchant_id = shop.merchant.merchant_id

    def bucket_of(document: str) -> bytes:
        return bucket_key(online.namespace, online.keys.key(merchant_id, "document", document), 1)

    ours, names = bucket_of(CPF), (f"another {number}" for number in count())
    name = next(name for name in names if bucket_of(name) != ours)
    another = bucket_of(name)
    online.publish(MAY_31, {(merchant_id, "document", name): seen_on(features, MAY_30)})
    with redis.Redis.from_url(service_redis_url) as client:
        client.set(ours, client.get(another))
    answer = shop.evaluate(an_order("asked"), at="2018-05-31T15:00:00Z").body

    assert answer["missing"] == ["distant:document"]
    assert (answer["score"], answer["decision"]) == (None, "block")


@pytest.fixture
def shop_apart(shop: Shop, service: RunningService, online: OnlineStore) -> Shop:
    """One whose own entity is in another group than the document: both groups are asked."""
    entities = ((MERCHANT, ""), ("document", CPF))
    while True:
        keys = (online.keys.key(shop.merchant.merchant_id, *entity) for entity in entities)
        if len({group_of(key) for key in keys}) == len(entities):
            return shop
        shop = a_shop(service, shop.database, shop.features)


@pytest.mark.parametrize("lost", ["list", "bucket", "both"])
def test_a_group_that_lost_its_data_is_missing_and_nobody_there_is_new(
    shop_apart: Shop, online: OnlineStore, service_redis_url: str, lost: str
):
    shop = shop_apart
    key = online.keys.key(shop.merchant.merchant_id, "document", CPF)
    keys = [online.namespace.list_key(group_of(key)), bucket_key(online.namespace, key, 1)]
    with redis.Redis.from_url(service_redis_url) as client:
        client.delete(*{"list": keys[:1], "bucket": keys[1:], "both": keys}[lost])
    answer = shop.evaluate(an_order("asked"), at="2018-05-30T15:00:00Z").body

    assert answer["missing"] == ["distant:document"]
    assert (answer["score"], answer["degraded"]) == (None, True)


def test_more_buckets_from_one_load_on_are_read_by_a_service_that_runs(
    shop: Shop, online: OnlineStore, features: FeatureSet, service_redis_url: str
):
    document = (shop.merchant.merchant_id, "document", CPF)
    shop.evaluate(an_order("before"), at="2018-05-30T15:00:00Z")
    online.publish(MAY_31, {document: seen_on(features, MAY_30)}, buckets=3)

    yesterday = shop.evaluate(an_order("early"), at="2018-05-31T06:59:59Z").body
    today = shop.evaluate(an_order("late"), at="2018-05-31T15:00:00Z").body

    assert (yesterday["as_of"], yesterday["missing"]) == ("2018-05-30", [])
    assert (today["as_of"], today["missing"]) == ("2018-05-31", [])
    assert shop.vector("early")["document_orders_7d_distant"] == 0
    assert shop.vector("late")["document_orders_7d_distant"] == 1


def test_another_entity_key_finds_no_list_and_makes_nobody_a_new_customer(
    shop: Shop, online: OnlineStore, features: FeatureSet, service_redis_url: str
):
    other = OnlineStore(online.url, features, b"another secret of the tests", [*online.loads])
    with redis.Redis.from_url(service_redis_url) as client:
        client.flushdb()
    other.publish(MAY_31)
    answer = shop.evaluate(an_order("asked"), at="2018-05-31T15:00:00Z").body

    assert answer["missing"] == ["distant"]
    assert answer["score"] is None


def test_a_damaged_list_of_loads_leaves_the_distant_past_missing(
    shop: Shop, online: OnlineStore, service_redis_url: str
):
    with redis.Redis.from_url(service_redis_url) as client:
        for group in range(GROUPS):
            client.set(online.namespace.list_key(group), b"\xc1")
    answer = shop.evaluate(an_order("asked"), at="2018-05-30T15:00:00Z").body

    assert answer["missing"] == ["distant"]
