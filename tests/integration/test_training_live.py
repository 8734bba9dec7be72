"""Live orders in a training set: asked with exactly what their evaluation saw."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from jobs.training_set.run import TrainingPeriod
from stores.postgres.connection import connect
from stores.postgres.loads import NewLoad, register_load
from tests.integration.history import NOON, History, a_job
from tests.integration.serving_shop import ServingShop, a_serving_shop

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
from tests.integration.training_shop import WEEK, TrainingShop

DAY = timedelta(days=1)


@pytest.fixture
def shop(
    database_url: str, redis_url: str, storage_url: str, spark: "SparkSession"
) -> TrainingShop:
    return TrainingShop(History(database_url), a_job(database_url, redis_url, storage_url, spark))


def a_load(shop: TrainingShop, as_of: date, watermark: int) -> int:
    """A load of that day with the rows below a transaction id."""
    with shop.history.connect() as connection:
        return register_load(
            connection,
            NewLoad(
                as_of=as_of,
                cutoff=datetime(as_of.year, as_of.month, as_of.day, 3, tzinfo=UTC),
                watermark=watermark,
                generation=1,
                timelines=shop.job.namespace.timelines,
                entity_key_id=shop.job.namespace.key_id,
                revision="manifests/of/a/test.json",
                snapshot_id=1,
                metadata_location="of/a/test.metadata.json",
                entities=1,
                checksum="",
            ),
        ).load_id


def next_xid(shop: TrainingShop) -> int:
    with shop.history.connect() as connection:
        (row,) = connection.execute("SELECT pg_current_xact_id()::text::bigint").fetchall()
    return int(str(row[0]))


def test_a_live_order_is_asked_with_what_its_evaluation_saw(shop: TrainingShop) -> None:
    shop.history.order(NOON - 2 * DAY, card="c1", order_id="in the load")
    load = a_load(shop, date(2018, 5, 20), next_xid(shop))
    shop.history.order(NOON - 2 * DAY, card="c1", order_id="imported after the load")
    shop.history.order(NOON - timedelta(hours=1), card="c1", order_id="seen")
    live = shop.history.live_order(NOON, card="c1", order_id="live")
    shop.history.evaluation(live, NOON, load_id=load, as_of=date(2018, 5, 20), stale_days=0)
    shop.history.order(NOON - timedelta(hours=1), card="c1", order_id="not seen")

    row = shop.rows()[live]
    assert row["live"]
    assert row["card_orders_7d_distant"] == 1
    assert row["card_orders_6h_recent"] == 1
    assert shop.rows()["seen"]["card_orders_7d_distant"] == 2


def test_an_import_that_was_running_beside_a_live_order_was_not_seen_by_it(
    shop: TrainingShop,
) -> None:
    """Its rows have an older transaction than what the order saw, and were not committed."""
    load = a_load(shop, date(2018, 5, 20), next_xid(shop))
    with connect(shop.history.url, application_name="an import") as importing:
        for order_id, ago in (("recent", timedelta(hours=1)), ("distant", 2 * DAY)):
            importing.execute(
                "INSERT INTO orders"
                " (merchant_id, order_id, event_at, content_hash, amount_cents, card, import_id)"
                " VALUES (%s, %s, %s, decode(repeat('00', 32), 'hex'), 5, 'c1', %s)",
                (shop.history.merchant_id, order_id, NOON - ago, shop.history.import_id),
            )
        shop.history.order(NOON - timedelta(hours=2), card="c1", order_id="stored meanwhile")
        during = shop.history.live_order(NOON, card="c1", order_id="during")
        shop.history.evaluation(during, NOON, load_id=load, as_of=date(2018, 5, 20), stale_days=0)
        importing.commit()
    later = NOON + timedelta(minutes=1)
    after = shop.history.live_order(later, card="c1", order_id="after")
    next_load = a_load(shop, date(2018, 5, 20), next_xid(shop))
    shop.history.evaluation(after, later, load_id=next_load, as_of=date(2018, 5, 20), stale_days=0)

    rows = shop.rows()
    names = ("card_orders_6h_recent", "card_orders_7d_distant", "merchant_history_days")
    assert [rows["during"][name] for name in names] == [1, 0, 0]
    assert [rows["after"][name] for name in names] == [3, 1, 2]


def test_what_an_evaluation_could_not_read_is_null(shop: TrainingShop) -> None:
    shop.history.order(NOON - timedelta(hours=1), card="c1")
    live = shop.history.live_order(NOON, card="c1")
    shop.history.evaluation(live, NOON, missing=["distant"])

    row = shop.rows()[live]
    assert row["card_orders_7d_distant"] is None
    assert row["card_orders_since_cutoff_recent"] is None
    assert row["merchant_history_days"] is None
    assert row["card_orders_6h_recent"] == 1


def test_a_spooled_answer_has_no_recent_past(shop: TrainingShop) -> None:
    shop.history.order(NOON - 2 * DAY, card="c1")
    load = a_load(shop, date(2018, 5, 20), next_xid(shop))
    live = shop.history.live_order(NOON, card="c1")
    shop.history.evaluation(
        live, NOON, load_id=load, as_of=date(2018, 5, 20), visible=None, missing=["recent"]
    )

    row = shop.rows()[live]
    assert row["card_orders_6h_recent"] is None
    assert row["card_orders_7d_distant"] == 1


def test_stale_orders_are_left_out_and_counted_unless_asked_for(shop: TrainingShop) -> None:
    shop.history.order(NOON - timedelta(hours=1), card="c1")
    load = a_load(shop, date(2018, 5, 19), next_xid(shop))
    live = shop.history.live_order(NOON, card="c1")
    shop.history.evaluation(live, NOON, load_id=load, as_of=date(2018, 5, 19), stale_days=1)

    manifest, built = shop.build()
    assert live not in built["order_id"].to_pylist()
    assert manifest.facts.stale_left_out == 1
    whole = TrainingPeriod(first_day=WEEK.first_day, end_day=WEEK.end_day, include_stale=True)
    row = shop.rows(whole)[live]
    assert (row["stale_days"], row["snapshot_as_of"]) == (1, date(2018, 5, 19))


def test_what_a_load_had_whose_row_is_lost_is_missing(shop: TrainingShop) -> None:
    shop.history.order(NOON - 2 * DAY, card="c1", order_id="in the load")
    live = shop.history.live_order(NOON, card="c1", order_id="live")
    shop.history.evaluation(live, NOON, load_id=77, as_of=date(2018, 5, 20), stale_days=0)

    row = shop.rows()[live]
    assert row["live"]
    assert row["card_orders_7d_distant"] is None
    assert row["card_orders_6h_recent"] == 0


def sell(serving: ServingShop, name: str, *, in_time: bool) -> list[str]:
    """The ids of a merchant's four orders of one card, of which the second came after the third.

    That one was stored then by a batch, or else (`in_time`) evaluated.
    """
    till, minute = serving.till(name), timedelta(minutes=1)
    orders = [
        {
            "order_id": f"{name} {n}",
            "amount_cents": 100 + n,
            "card": f"tok_{n // 4}",
            "user": f"u{n}",
        }
        for n in range(4)
    ]
    late = orders[1] | {"placed_at": (NOON - 5 * minute).isoformat()}
    till.post("/evaluate", orders[0], NOON - 10 * minute)
    till.post("/evaluate", orders[2], NOON)
    if in_time:
        till.post("/evaluate", late, NOON + 30 * minute)
    else:
        till.post("/orders/batch", {"orders": [late]}, NOON + 30 * minute)
    till.post("/evaluate", orders[3], NOON + 40 * minute)
    return [order["order_id"] for order in orders]


def test_an_order_of_a_batch_and_those_after_it_have_the_past_that_serving_would_have_seen(
    shop: TrainingShop, tmp_path: Path
) -> None:
    a_load(shop, date(2018, 5, 20), next_xid(shop))
    with a_serving_shop(shop, date(2018, 5, 20), tmp_path) as serving:
        told_later = sell(serving, "told later", in_time=False)
        evaluated = sell(serving, "evaluated", in_time=True)
        vectors = [serving.vector(order_id) for order_id in evaluated]
    rows = shop.rows()

    asked = [rows[order_id] for order_id in told_later]
    assert [row["live"] for row in asked] == [True, False, True, True]
    assert asked[1]["asked_at"] == NOON + timedelta(minutes=30)
    assert [row["card_orders_6h_recent"] for row in asked] == [0, 2, 1, 3]
    for order_ids in (told_later, evaluated):
        assert [{name: rows[o][name] for name in serving.names} for o in order_ids] == vectors
