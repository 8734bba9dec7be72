"""Training sets with real PostgreSQL and Spark: every value is what serving would have given."""

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features_pkg import point_in_time
from features_pkg.identifiers import IDENTIFIERS, SINGLE_VALUED
from jobs.errors import DayNotOver
from jobs.job import Job
from jobs.training_set.errors import LabelsFromTheFuture, NothingToTrainOn, PeriodEmpty
from jobs.training_set.facts import TrainingSetFacts
from jobs.training_set.labels import LabelRule, Reason
from jobs.training_set.run import TrainingPeriod, training_set
from stores.files.manifest import Manifest, read_manifest
from stores.files.store import open_store
from stores.postgres.loads import NewLoad, register_load
from tests.integration.history import NOON, History, a_job

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

DAY = timedelta(days=1)
WEEK = TrainingPeriod(first_day=date(2018, 5, 14), end_day=date(2018, 5, 21))


class Shop:
    """A past and the training sets that are built from it."""

    def __init__(self, history: History, job: Job) -> None:
        self.history, self.job = history, job

    def built(self, period: TrainingPeriod = WEEK) -> tuple[Manifest[TrainingSetFacts], pa.Table]:
        key, manifest = training_set(self.job, period)
        store = open_store(self.job.settings.storage_url)
        assert read_manifest(store, key, TrainingSetFacts) == manifest
        tables = []
        for file in manifest.files:
            with store.open(file.key) as source:
                tables.append(pq.read_table(source))
        return manifest, pa.concat_tables(tables).sort_by("order_pk")

    def rows(self, period: TrainingPeriod = WEEK) -> dict[str, dict[str, Any]]:
        return {row["order_id"]: row for row in self.built(period)[1].to_pylist()}


@pytest.fixture
def shop(database_url: str, redis_url: str, storage_url: str, spark: "SparkSession") -> Shop:
    return Shop(History(database_url), a_job(database_url, redis_url, storage_url, spark))


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


def test_imported_orders_are_answered_as_point_in_time_answers_them(shop: Shop) -> None:
    some_orders(shop.history)
    _, built = shop.built()

    with shop.history.connect() as connection:
        rows = connection.execute("SELECT order_id, event_at FROM charged_back_orders").fetchall()
    first = dict(rows)
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
    names = [velocity.name for velocity in shop.job.feature_set.velocities]
    assert 20 < built.num_rows < 120
    for row in built.to_pylist():
        assert {n: row[n] for n in names} == {n: expected[row["order_id"]][n] for n in names}


def test_the_period_holds_its_first_instant_and_not_its_last(shop: Shop) -> None:
    start, end = datetime(2018, 5, 14, 3, tzinfo=UTC), datetime(2018, 5, 21, 3, tzinfo=UTC)
    inside = [shop.history.order(start), shop.history.order(end - timedelta(microseconds=1))]
    shop.history.order(start - timedelta(microseconds=1))
    shop.history.order(end)

    assert sorted(shop.rows()) == inside


def test_an_order_that_names_nothing_has_its_row(shop: Shop) -> None:
    shop.history.order(NOON, card="c1")
    bare = shop.history.order(NOON)

    row = shop.rows()[bare]
    assert row["card_orders_24h_recent"] is None
    assert row["amount_cents"] == 1000


def test_order_features_and_days_of_history_are_there(shop: Shop) -> None:
    shop.history.order(NOON - 12 * DAY)
    order = shop.history.order(NOON, amount_cents=12_345)

    row = shop.rows()[order]
    assert row["amount_cents"] == 12_345
    assert row["local_hour"] == 12
    assert row["merchant_history_days"] == 12
    assert row["snapshot_as_of"] == date(2018, 5, 20)


def a_load(shop: Shop, as_of: date, watermark: int) -> int:
    """A load of that day with the rows below a transaction id."""
    with shop.history.connect() as connection:
        return register_load(
            connection,
            NewLoad(
                as_of=as_of,
                cutoff=datetime(as_of.year, as_of.month, as_of.day, 3, tzinfo=UTC),
                watermark=watermark,
                generation=1,
                timelines=shop.job.feature_set.timelines_id,
                revision="manifests/of/a/test.json",
                entities=1,
                checksum="",
            ),
        ).load_id


def next_xid(shop: Shop) -> int:
    with shop.history.connect() as connection:
        (row,) = connection.execute("SELECT pg_current_xact_id()::text::bigint").fetchall()
    return int(str(row[0]))


def test_a_live_order_is_asked_with_what_its_evaluation_saw(shop: Shop) -> None:
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


def test_what_an_evaluation_could_not_read_is_null(shop: Shop) -> None:
    shop.history.order(NOON - timedelta(hours=1), card="c1")
    live = shop.history.live_order(NOON, card="c1")
    shop.history.evaluation(live, NOON, missing=["distant"])

    row = shop.rows()[live]
    assert row["card_orders_7d_distant"] is None
    assert row["card_orders_since_cutoff_recent"] is None
    assert row["merchant_history_days"] is None
    assert row["card_orders_6h_recent"] == 1


def test_a_spooled_answer_has_no_recent_past(shop: Shop) -> None:
    shop.history.order(NOON - 2 * DAY, card="c1")
    load = a_load(shop, date(2018, 5, 20), next_xid(shop))
    live = shop.history.live_order(NOON, card="c1")
    shop.history.evaluation(
        live, NOON, load_id=load, as_of=date(2018, 5, 20), visible=None, missing=["recent"]
    )

    row = shop.rows()[live]
    assert row["card_orders_6h_recent"] is None
    assert row["card_orders_7d_distant"] == 1


def test_stale_orders_are_left_out_and_counted_unless_asked_for(shop: Shop) -> None:
    shop.history.order(NOON - timedelta(hours=1), card="c1")
    load = a_load(shop, date(2018, 5, 19), next_xid(shop))
    live = shop.history.live_order(NOON, card="c1")
    shop.history.evaluation(live, NOON, load_id=load, as_of=date(2018, 5, 19), stale_days=1)

    manifest, built = shop.built()
    assert live not in built["order_id"].to_pylist()
    assert manifest.facts.stale_left_out == 1
    whole = TrainingPeriod(first_day=WEEK.first_day, end_day=WEEK.end_day, include_stale=True)
    row = shop.rows(whole)[live]
    assert (row["stale_days"], row["snapshot_as_of"]) == (1, date(2018, 5, 19))


def test_labels_and_their_reasons_are_counted(shop: Shop) -> None:
    orders = [shop.history.order(NOON - n * DAY) for n in range(5)]
    shop.history.chargeback(orders[0], NOON + DAY)
    shop.history.chargeback(orders[3], NOON + 5 * DAY)
    shop.history.chargeback(orders[4], NOON + DAY)
    shop.history.chargeback(orders[4], NOON + 2 * DAY, kind="reversal")
    period = TrainingPeriod(
        first_day=WEEK.first_day, end_day=WEEK.end_day, labels_as_of=NOON + timedelta(days=5.5)
    )

    manifest, built = shop.built(period)
    labels = dict(zip(built["order_id"].to_pylist(), built["label"].to_pylist(), strict=True))
    assert [labels[order] for order in orders] == [1, None, 0, None, 0]
    counts = manifest.facts.labels
    assert (counts.charged_back, counts.honest) == (1, 2)
    assert (counts.too_young, counts.charged_back_late) == (1, 1)
    assert manifest.facts.labels_as_of == NOON + timedelta(days=5.5)


def test_no_value_is_in_the_files(shop: Shop) -> None:
    shop.history.order(NOON, card="4111111111111111", document="39053344705")
    manifest, _ = shop.built()

    store = open_store(shop.job.settings.storage_url)
    for file in manifest.files:
        with store.open(file.key) as source:
            content = source.read()
        assert b"4111111111111111" not in content
        assert b"39053344705" not in content


def test_the_same_period_again_is_another_revision_with_the_same_rows(shop: Shop) -> None:
    some_orders(shop.history, 40)

    assert shop.built()[1].equals(shop.built()[1])


def test_a_period_without_orders_is_refused(shop: Shop) -> None:
    with pytest.raises(NothingToTrainOn, match="2018-05-14"):
        shop.built()


def test_a_period_that_ends_before_it_begins_is_refused(shop: Shop) -> None:
    with pytest.raises(PeriodEmpty, match="--to 2018-05-14 is not after"):
        shop.built(TrainingPeriod(first_day=date(2018, 5, 14), end_day=date(2018, 5, 14)))


def test_a_period_that_is_not_over_is_refused(shop: Shop) -> None:
    with pytest.raises(DayNotOver):
        shop.built(TrainingPeriod(first_day=date(2018, 5, 14), end_day=date(2999, 1, 1)))


def test_labels_of_the_future_are_refused(shop: Shop) -> None:
    later = datetime(2999, 1, 1, tzinfo=UTC)

    with pytest.raises(LabelsFromTheFuture, match="2999"):
        shop.built(
            TrainingPeriod(first_day=WEEK.first_day, end_day=WEEK.end_day, labels_as_of=later)
        )


RULE = LabelRule(instant_us=1000, maturity_us=100)


@pytest.mark.parametrize(
    ("event", "chargebacks", "reversals", "expected"),
    [
        (0, (), (), (0, 100, Reason.HONEST)),
        (900, (), (), (0, 1000, Reason.HONEST)),
        (901, (), (), (None, None, Reason.TOO_YOUNG)),
        (0, (100,), (), (1, 100, Reason.CHARGED_BACK)),
        (0, (101,), (), (None, None, Reason.CHARGED_BACK_LATE)),
        (950, (990,), (), (1, 990, Reason.CHARGED_BACK)),
        (950, (1000,), (), (1, 1000, Reason.CHARGED_BACK)),
        (950, (1001,), (), (None, None, Reason.TOO_YOUNG)),
        (900, (1001,), (), (0, 1000, Reason.HONEST)),
        (0, (50,), (60,), (0, 100, Reason.HONEST)),
        (0, (50,), (600,), (0, 600, Reason.HONEST)),
        (0, (50,), (1001,), (1, 50, Reason.CHARGED_BACK)),
        (0, (50, 90), (60,), (1, 90, Reason.CHARGED_BACK)),
        (0, (101,), (300,), (0, 300, Reason.HONEST)),
    ],
)
def test_the_label_is_what_was_known_at_its_instant(
    event: int,
    chargebacks: tuple[int, ...],
    reversals: tuple[int, ...],
    expected: tuple[int | None, int | None, Reason],
) -> None:
    label = RULE.label(event, chargebacks, reversals)

    assert (label.value, label.known_us, label.reason) == expected
