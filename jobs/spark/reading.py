"""The dataset `events` as Spark tables: orders, chargebacks, and what evaluations could see."""

import re
from datetime import datetime
from typing import Final

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812  as everybody calls it
from pyspark.sql.pandas.types import from_arrow_schema

from features_pkg.calendar import EPOCH_DAY
from features_pkg.shuffle import KEYED_ROWS
from jobs.extract.facts import Extractions, KindCounts, check_files
from jobs.extract.rows import CHARGEBACK, EVALUATION, EVENT_ROWS, ORDER, REVERSAL
from jobs.watermark import ReadBounds
from stores.offline.files import Files

MOST_BROADCAST_ROWS: Final = 500_000
"""Some 50 to 150 bytes each: what is sent to every worker stays below 100 MB."""

_EVALUATION: Final = ("evaluated_us", "load_as_of", "stale_days", "missing", "visible")
_OF_CHARGEBACKS: Final = ("chargeback_us", "chargeback_key")


def read_events(spark: SparkSession, files: Files, extracted: Extractions) -> DataFrame:
    """All rows of these extractions; instants as epoch microseconds, days as ordinals.

    Raises EventsMissing, EventsDamaged.
    """
    check_files(files, extracted)
    schema = from_arrow_schema(EVENT_ROWS)
    # Spark takes a path for a pattern, so that a folder named `[1]` would be the folder `1`.
    paths = [
        re.sub(r"([\\*?\[\]{}])", r"\\\1", files.spark_location(file.key))
        for file in extracted.files
    ]
    if not paths:
        return _numbered(spark.createDataFrame([], schema))
    return _numbered(spark.read.schema(schema).parquet(*paths))


def _numbered(rows: DataFrame) -> DataFrame:
    days = F.datediff(F.col("load_as_of"), F.lit("1970-01-01")) + F.lit(EPOCH_DAY)
    return (
        rows.withColumn("event_us", F.unix_micros("event_at"))
        .withColumn("evaluated_us", F.unix_micros("evaluated_at"))
        .withColumn("load_as_of", days)
    )


def read_orders(events: DataFrame, read_bounds: ReadBounds) -> DataFrame:
    """The orders within `read_bounds`, keyed."""
    orders = events.where(_is(ORDER, read_bounds.watermark_key, read_bounds.cutoff))
    return orders.select(*_order_columns())


def read_chargebacks(
    events: DataFrame, watermark_key: int, *, before: datetime | None = None
) -> DataFrame:
    """One row for each order with chargebacks: lists `chargeback_us` and `chargeback_key`, by time.

    They are recorded below `watermark_key`, and happened before `before` if that is given.
    """
    rows = events.where(_is(CHARGEBACK, watermark_key, before))
    by_time = F.sort_array(F.collect_list(F.struct("event_us", "recorded_key")))
    return (
        rows.groupBy("order_pk")
        .agg(by_time.alias("chargeback"))
        .select(
            "order_pk",
            F.col("chargeback.event_us").alias("chargeback_us"),
            F.col("chargeback.recorded_key").alias("chargeback_key"),
        )
    )


def read_questions(events: DataFrame, watermark_key: int, counts: KindCounts) -> DataFrame:
    """All orders below a watermark, what their evaluations could see, chargebacks and reversals.

    The lists `chargeback_us`, `chargeback_key` and `reversal_us` are null where there are none.
    `counts` are those of the rows of `events`.
    """
    rows = events.where(_is(REVERSAL, watermark_key))
    reversals = rows.groupBy("order_pk").agg(F.collect_list("event_us").alias("reversal_us"))
    orders = with_chargebacks(
        _with_evaluations(events, watermark_key, counts),
        read_chargebacks(events, watermark_key),
        counts,
    )
    return _joined(orders, reversals, counts.reversal)


def with_chargebacks(orders: DataFrame, chargebacks: DataFrame, counts: KindCounts) -> DataFrame:
    """`orders` with their chargebacks, null where there is none."""
    return _joined(orders, chargebacks, counts.chargeback)


def _joined(orders: DataFrame, others: DataFrame, rows: int) -> DataFrame:
    """`orders` with what others, at most `rows`, say of them.

    Few are sent to every worker, rather than all orders over the network. Many would not fit into
    the driver, through which they are sent; then both sides are shuffled.
    """
    chosen = F.broadcast(others) if rows <= MOST_BROADCAST_ROWS else others.hint("merge")
    return orders.join(chosen, on="order_pk", how="left")


def _with_evaluations(events: DataFrame, watermark_key: int, counts: KindCounts) -> DataFrame:
    """All orders below a watermark, each with the evaluation recorded below it, wherever that is.

    An imported order that was posted later has its evaluation in a row of its own.
    """
    orders = events.where(_is(ORDER, watermark_key))
    is_known = F.col("evaluation_key") < watermark_key
    own = (F.when(is_known, F.col(name)).alias(name) for name in _EVALUATION)
    late = events.where(_is(EVALUATION, watermark_key)).select(
        "order_pk", *(F.col(name).alias(f"late_{name}") for name in _EVALUATION)
    )
    joined = _joined(orders.select(*_order_columns(), *own), late, counts.evaluation)
    either = (
        F.coalesce(F.col(name), F.col(f"late_{name}")).alias(name)
        for name in _EVALUATION
        if name != "stale_days"
    )
    stale_days = F.coalesce("stale_days", "late_stale_days", F.lit(0)).alias("stale_days")
    return joined.select(*_order_columns(), *either, stale_days)


def _order_columns() -> list[str]:
    return [name for name in KEYED_ROWS.names if name not in _OF_CHARGEBACKS]


def _is(kind: str, watermark_key: int, before: datetime | None = None) -> Column:
    """Rows of a kind that are complete below a watermark and happened before an instant."""
    found = (F.col("kind") == kind) & (F.col("recorded_key") < watermark_key)
    return found if before is None else found & (F.col("event_at") < F.lit(before))
