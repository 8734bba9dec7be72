"""Training sets with real PostgreSQL and Spark: every value is what serving would have given."""

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest

from features_pkg import point_in_time
from features_pkg.identifiers import IDENTIFIERS, SINGLE_VALUED
from jobs.errors import DayNotOver
from jobs.training_set.errors import LabelsFromTheFuture, NothingToTrainOn, PeriodEmpty
from jobs.training_set.run import TrainingPeriod
from stores.offline.tables import open_store
from tests.integration.history import NOON, History, a_job

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
from tests.integration.training_shop import WEEK, TrainingShop

DAY = timedelta(days=1)


@pytest.fixture
def shop(
    database_url: str, redis_url: str, storage_url: str, spark: "SparkSession"
) -> TrainingShop:
    return TrainingShop(History(database_url), a_job(database_url, redis_url, storage_url, spark))


def some_orders(history: History, count: int = 120) -> None:
    """A busy fortnight in which a few values meet again and again, some at the same instant."""
    random = np.random.default_rng(3)
    for number in range(count):
        at = NOON - timedelta(minutes=int(random.integers(0, 14 * 24 * 6)) * 10)
        values: dict[str, Any] = {
            name: f"{name}{random.integers(0, 4)}" if random.random() < 0.8 else None
            for name in SINGLE_VALUED
        }
        products = [f"p{n}" for n in set(random.integers(0, 4, random.integers(0, 3)).tolist())]
        order = history.order(at, **values, product=products, amount_cents=100 * number)
        if random.random() < 0.3:
            history.chargeback(order, at + timedelta(hours=int(random.integers(1, 200))))


def test_imported_orders_are_answered_as_point_in_time_answers_them(shop: TrainingShop) -> None:
    some_orders(shop.history)
    _, built = shop.build()

    with shop.history.connect() as connection:
        events = connection.execute(
            "SELECT order_id, min(event_at) FROM chargeback_events GROUP BY order_id"
        ).fetchall()
    first = dict(events)
    orders = pa.Table.from_pylist(
        [
            {
                **{name: order.get(name) for name in ("order_id", "merchant_id", *IDENTIFIERS)},
                "event_at": order["event_at"],
                "amount_cents": order["amount_cents"],
                "chargeback_at": first.get(order["order_id"]),
            }
            for order in shop.history.orders
        ],
        schema=pa.schema(
            [
                ("order_id", pa.string()),
                ("merchant_id", pa.int64()),
                *[(name, pa.string()) for name in SINGLE_VALUED],
                ("product", pa.list_(pa.string())),
                ("event_at", pa.timestamp("us", "UTC")),
                ("amount_cents", pa.int64()),
                ("chargeback_at", pa.timestamp("us", "UTC")),
            ]
        ),
    )
    expected = {row["order_id"]: row for row in point_in_time(orders).to_pylist()}
    features = shop.job.feature_set
    names = [each.name for each in (*features.velocities, *features.derived)]
    assert {built.schema.field(each.name).type for each in features.derived} == {pa.float64()}
    assert 20 < built.num_rows < 120
    for row in built.to_pylist():
        assert {n: row[n] for n in names} == {n: expected[row["order_id"]][n] for n in names}


def test_the_period_holds_its_first_instant_and_not_its_last(shop: TrainingShop) -> None:
    start, end = datetime(2018, 5, 14, 3, tzinfo=UTC), datetime(2018, 5, 21, 3, tzinfo=UTC)
    inside = [shop.history.order(start), shop.history.order(end - timedelta(microseconds=1))]
    shop.history.order(start - timedelta(microseconds=1))
    shop.history.order(end)

    assert sorted(shop.rows()) == inside


def test_an_order_that_names_nothing_has_its_row(shop: TrainingShop) -> None:
    shop.history.order(NOON, card="c1")
    bare = shop.history.order(NOON)

    row = shop.rows()[bare]
    assert row["card_orders_24h_recent"] is None
    assert row["amount_cents"] == 1000


def test_order_features_and_days_of_history_are_there(shop: TrainingShop) -> None:
    shop.history.order(NOON - 12 * DAY)
    order = shop.history.order(NOON, amount_cents=12_345)

    row = shop.rows()[order]
    assert row["amount_cents"] == 12_345
    assert row["local_hour"] == 12
    assert row["merchant_history_days"] == 12
    assert row["snapshot_as_of"] == date(2018, 5, 20)


def test_labels_and_their_reasons_are_counted(shop: TrainingShop) -> None:
    orders = [shop.history.order(NOON - n * DAY) for n in range(5)]
    shop.history.chargeback(orders[0], NOON + DAY)
    shop.history.chargeback(orders[3], NOON + 5 * DAY)
    shop.history.chargeback(orders[4], NOON + DAY)
    shop.history.chargeback(orders[4], NOON + 2 * DAY, kind="reversal")
    period = TrainingPeriod(
        first_day=WEEK.first_day, end_day=WEEK.end_day, labels_as_of=NOON + timedelta(days=5.5)
    )

    manifest, built = shop.build(period)
    labels = dict(zip(built["order_id"].to_pylist(), built["label"].to_pylist(), strict=True))
    assert [labels[order] for order in orders] == [1, None, 0, None, 0]
    counts = manifest.facts.labels
    assert (counts.charged_back, counts.honest) == (1, 2)
    assert (counts.too_young, counts.charged_back_late) == (1, 1)
    assert manifest.facts.labels_as_of == NOON + timedelta(days=5.5)


def test_a_reversal_reverses_its_chargeback_whichever_was_told_first(shop: TrainingShop) -> None:
    in_order, turned, again = (shop.history.order(NOON - n * DAY) for n in range(3))
    shop.history.chargeback(in_order, NOON + DAY)
    for order in (turned, again):
        shop.history.chargeback(order, NOON + DAY, kind="reversal")
    before = {order: row["label"] for order, row in shop.rows().items()}

    shop.history.chargeback(in_order, NOON + 2 * DAY, kind="reversal")
    for order in (turned, again):
        shop.history.chargeback(order, NOON + 2 * DAY)
    shop.history.chargeback(again, NOON + 3 * DAY)
    after = {order: row["label"] for order, row in shop.rows().items()}

    assert [before[order] for order in (in_order, turned, again)] == [1, 0, 0]
    assert [after[order] for order in (in_order, turned, again)] == [0, 0, 1]


def test_no_value_is_in_the_files(shop: TrainingShop) -> None:
    shop.history.order(NOON, card="4111111111111111", document="39053344705")
    manifest, _ = shop.build()

    store = open_store(shop.job.settings)
    for file in manifest.files:
        with store.files.open(file.key) as source:
            content = source.read()
        assert b"4111111111111111" not in content
        assert b"39053344705" not in content


def test_the_same_period_again_is_another_revision_with_the_same_rows(shop: TrainingShop) -> None:
    some_orders(shop.history, 40)

    assert shop.build()[1].equals(shop.build()[1])


def test_a_period_without_orders_is_refused_before_spark_starts(
    database_url: str, redis_url: str, storage_url: str
) -> None:
    shop = TrainingShop(History(database_url), a_job(database_url, redis_url, storage_url))
    with pytest.raises(NothingToTrainOn, match="2018-05-14"):
        shop.build()
    before = shop.history.order(NOON - 30 * DAY)
    shop.history.order(datetime(2018, 5, 21, 3, tzinfo=UTC))
    shop.history.chargeback(before, datetime(2018, 5, 20, tzinfo=UTC))
    with pytest.raises(NothingToTrainOn, match="with --from and --to"):
        shop.build()


def test_a_period_with_stale_orders_alone_is_refused(shop: TrainingShop) -> None:
    order = shop.history.live_order(NOON - DAY)
    shop.history.evaluation(order, NOON - DAY, stale_days=1)
    with pytest.raises(NothingToTrainOn, match="2018-05-14"):
        shop.build()


def test_an_order_that_was_evaluated_in_the_period_is_enough(shop: TrainingShop) -> None:
    live = shop.history.live_order(datetime(2018, 5, 14, 2, tzinfo=UTC))
    shop.history.evaluation(live, datetime(2018, 5, 14, 3, tzinfo=UTC), stale_days=0)
    assert list(shop.rows()) == [live]


def test_a_period_that_ends_before_it_begins_is_refused(shop: TrainingShop) -> None:
    with pytest.raises(PeriodEmpty, match="--to 2018-05-14 is not after"):
        shop.build(TrainingPeriod(first_day=date(2018, 5, 14), end_day=date(2018, 5, 14)))


def test_a_period_that_is_not_over_is_refused(shop: TrainingShop) -> None:
    with pytest.raises(DayNotOver):
        shop.build(TrainingPeriod(first_day=date(2018, 5, 14), end_day=date(2999, 1, 1)))


def test_labels_of_the_future_are_refused(shop: TrainingShop) -> None:
    later = datetime(2999, 1, 1, tzinfo=UTC)

    with pytest.raises(LabelsFromTheFuture, match="2999"):
        shop.build(
            TrainingPeriod(first_day=WEEK.first_day, end_day=WEEK.end_day, labels_as_of=later)
        )
