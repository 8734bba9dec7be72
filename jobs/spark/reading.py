"""Orders and chargebacks from PostgreSQL as Spark tables."""

from collections.abc import Mapping
from datetime import datetime

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812  as everybody calls it

from features_pkg.queries import with_literals
from jobs.spark.session import Range, read_postgres
from jobs.watermark import ReadBounds
from stores.postgres.connection import Connection, quote


def read_orders(spark: SparkSession, url: str, pks: Range, read_bounds: ReadBounds) -> DataFrame:
    """The orders within `read_bounds`, read in ranges of `order_pk`."""
    values = {"cutoff": read_bounds.cutoff, "watermark_key": read_bounds.watermark_key}
    return _read(spark, url, pks, "orders", values)


def read_chargebacks(
    spark: SparkSession, url: str, pks: Range, watermark_key: int, *, before: datetime | None = None
) -> DataFrame:
    """One row for each order with chargebacks: lists `chargeback_us` and `chargeback_key`, by time.

    They are recorded below `watermark_key`, and happened before `before` if that is given.
    """
    values: dict[str, object] = {"watermark_key": watermark_key}
    if before is not None:
        values["cutoff"] = before
    rows = _read(spark, url, pks, "chargebacks", values)
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


def read_questions(spark: SparkSession, url: str, pks: Range, watermark_key: int) -> DataFrame:
    """All orders below a watermark, what their evaluations could see, chargebacks and reversals.

    The lists `chargeback_us`, `chargeback_key` and `reversal_us` are null where there are none.
    """
    values = {"watermark_key": watermark_key}
    orders = _read(spark, url, pks, "questions", values)
    rows = _read(spark, url, pks, "reversals", values)
    reversals = rows.groupBy("order_pk").agg(F.collect_list("event_us").alias("reversal_us"))
    events = with_chargebacks(orders, read_chargebacks(spark, url, pks, watermark_key))
    return events.join(F.broadcast(reversals), on="order_pk", how="left")


def with_chargebacks(orders: DataFrame, chargebacks: DataFrame) -> DataFrame:
    """`orders` with their chargebacks, null where there is none.

    Chargebacks are few, so they are sent to every worker, rather than all orders over the network.
    """
    return orders.join(F.broadcast(chargebacks), on="order_pk", how="left")


def order_pks(connection: Connection) -> Range:
    """The lowest and highest `order_pk`; 0 to 0 without orders."""
    (row,) = connection.execute(
        "SELECT coalesce(min(order_pk), 0), coalesce(max(order_pk), 0) FROM orders"
    ).fetchall()
    low, high = (int(str(number)) for number in row)
    return Range("order_pk", low, high)


def _read(
    spark: SparkSession, url: str, pks: Range, template: str, values: Mapping[str, object]
) -> DataFrame:
    return read_postgres(spark, url, with_literals(template, values, quote), by=pks)
