"""What a training set brings to the driver, and what it sends to every worker, is bounded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from features_pkg.shuffle import MERCHANT_STARTS
from jobs.extract.facts import KindCounts
from jobs.parts import ORDERS_OF_A_PART
from jobs.spark import reading
from jobs.spark.session import PARTITIONS, READ_PARTITIONS, split_shuffles
from jobs.training_set.writing import starts_of_merchants

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def test_a_merchant_has_one_start_however_the_batches_fall(spark: SparkSession) -> None:
    """Merchant 3 imported its history once: its orders are earlier, and recorded later."""
    rows = [(order % 3 + 1, 1_000 + order, order) for order in range(90)]
    rows += [(3, order, 500) for order in range(10, 20)]
    table = pa.Table.from_pylist(
        [dict(zip(MERCHANT_STARTS.names, row, strict=True)) for row in rows], MERCHANT_STARTS
    )
    orders = spark.createDataFrame(table).repartition(16)

    found = sorted(tuple(row) for row in starts_of_merchants(orders).collect())

    assert found == [(1, 1_000, 0), (2, 1_001, 1), (3, 10, 500), (3, 1_002, 2)]


@pytest.mark.parametrize("most", [0, 5])
def test_many_chargebacks_are_shuffled_and_few_are_sent_to_all(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(reading, "MOST_BROADCAST_ROWS", most)
    orders = spark.createDataFrame([(n,) for n in range(9)], "order_pk long")
    chargebacks = spark.createDataFrame(
        [(n, [n], [n]) for n in range(0, 9, 2)],
        "order_pk long, chargeback_us array<long>, chargeback_key array<long>",
    )

    joined = reading.with_chargebacks(orders, chargebacks, KindCounts(order=9, chargeback=5))

    found = {row.order_pk: row.chargeback_us for row in joined.collect()}
    assert found == {n: None if n % 2 else [n] for n in range(9)}
    plan = joined._jdf.queryExecution().executedPlan().toString()
    assert ("BroadcastHashJoin" in plan, "SortMergeJoin" in plan) == (most == 5, most == 0)


def test_parts_follow_the_orders_not_the_cores(spark: SparkSession) -> None:
    before = spark.conf.get(PARTITIONS)
    assert before is not None
    try:
        split_shuffles(spark, 7 * ORDERS_OF_A_PART)
        assert spark.conf.get(PARTITIONS) == "7"
        assert spark.conf.get(READ_PARTITIONS) == "7"
    finally:
        spark.conf.set(PARTITIONS, before)
        spark.conf.unset(READ_PARTITIONS)
