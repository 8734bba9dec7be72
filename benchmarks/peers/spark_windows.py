"""Features of a training set by Spark's own range windows: `python -m ...spark_windows PLAN`.

Spark's bounds are constants, so these are the recent windows; and it has no distinct count over a
window, so that is the size of the set that it collects.
"""

import sys
from collections.abc import Sequence
from functools import reduce

from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F  # noqa: N812  as everybody calls it

from benchmarks.peers.plan import Plan, run_steps
from features_pkg.definitions.velocity import Measure, Velocity


class Spark:
    """A session with the cores and the memory of the plan."""

    def __init__(self, plan: Plan) -> None:
        self._spark = spark_session(plan)
        self._orders = (
            self._spark.read.parquet(*plan.files)
            .where(F.col("kind") == "order")
            .withColumn("at_us", F.unix_micros("event_at"))
        )

    def features(self, velocities: Sequence[Velocity], path: str) -> None:
        """Write `order_pk` and the features of every order that has their identifier."""
        orders = self._orders.where(F.col(velocities[0].identifier).isNotNull())
        columns = [_measured(velocity).alias(velocity.name) for velocity in velocities]
        orders.select("order_pk", *columns).write.parquet(path)

    def join(self, paths: Sequence[str], path: str) -> None:
        """Write one row for each order, with the features of all these files."""
        pieces = [self._spark.read.parquet(each) for each in paths]
        orders = self._orders.select("order_pk")
        reduce(_left_join, pieces, orders).write.parquet(path)


def spark_session(plan: Plan) -> SparkSession:
    """A session as Ontem's own, but that Java has all of the memory: nothing is done in Python."""
    spark = (
        SparkSession.builder.appName("benchmark")
        .master(f"local[{plan.cores}]")
        .config("spark.driver.memory", f"{plan.memory_mb}m")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.local.dir", plan.folder)
        .config("spark.sql.warehouse.dir", f"{plan.folder}/warehouse")
        .config("spark.sql.parquet.compression.codec", "zstd")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def _left_join(orders: DataFrame, piece: DataFrame) -> DataFrame:
    return orders.join(piece, on="order_pk", how="left")


def _measured(velocity: Velocity) -> Column:
    assert velocity.window is not None
    assert velocity.window.span_us is not None
    window = (
        Window.partitionBy(F.col(velocity.identifier))
        .orderBy("at_us")
        .rangeBetween(-velocity.window.span_us, -1)
    )
    if velocity.measure is Measure.DISTINCT:
        return F.size(F.collect_set(F.col(str(velocity.target))).over(window))
    if velocity.measure is Measure.COUNT:
        return F.count(F.lit(1)).over(window)
    return F.coalesce(F.sum("amount_cents").over(window), F.lit(0))


if __name__ == "__main__":
    plan = Plan.read(sys.argv[1])
    run_steps(plan, Spark(plan))
