"""The orders and chargebacks of an read_bounds as Spark tables."""

from collections.abc import Mapping

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812  as everybody calls it

from features_pkg.queries import with_literals
from jobs.spark.session import Range, read_postgres
from stores.postgres.connection import Connection, quote


def read_orders(
    spark: SparkSession, url: str, pks: Range, bounds: Mapping[str, object]
) -> DataFrame:
    """The orders within `bounds` (values of the template), read in ranges of `order_pk`."""
    return read_postgres(spark, url, with_literals("orders", bounds, quote), by=pks)


def read_chargebacks(
    spark: SparkSession, url: str, pks: Range, bounds: Mapping[str, object]
) -> DataFrame:
    """One row per charged back order: the lists `chargeback_us` and `chargeback_key` by time."""
    rows = read_postgres(spark, url, with_literals("chargebacks", bounds, quote), by=pks)
    told = F.sort_array(F.collect_list(F.struct("event_us", "recorded_key"))).alias("told")
    return (
        rows.groupBy("order_pk")
        .agg(told)
        .select(
            "order_pk",
            F.col("told.event_us").alias("chargeback_us"),
            F.col("told.recorded_key").alias("chargeback_key"),
        )
    )


def read_questions(spark: SparkSession, url: str, pks: Range, watermark_key: int) -> DataFrame:
    """All orders below a watermark, what their evaluations saw, their chargebacks and reversals.

    `reversal_us` is a list, null where there is none.
    """
    bounds = {"watermark_key": watermark_key}
    orders = read_postgres(spark, url, with_literals("questions", bounds, quote), by=pks)
    reversals = read_postgres(spark, url, with_literals("reversals", bounds, quote), by=pks)
    undone = reversals.groupBy("order_pk").agg(F.collect_list("event_us").alias("reversal_us"))
    happened = with_chargebacks(orders, read_chargebacks(spark, url, pks, bounds))
    return happened.join(F.broadcast(undone), on="order_pk", how="left")


def with_chargebacks(orders: DataFrame, chargebacks: DataFrame) -> DataFrame:
    """`orders` with their chargebacks, null where there is none.

    Chargebacks are few: they go to every worker, rather than all orders over the network.
    """
    return orders.join(F.broadcast(chargebacks), on="order_pk", how="left")


def order_pks(connection: Connection) -> Range:
    """The range of `order_pk` there is; 0 to 0 without orders."""
    (row,) = connection.execute(
        "SELECT coalesce(min(order_pk), 0), coalesce(max(order_pk), 0) FROM orders"
    ).fetchall()
    low, high = (int(str(number)) for number in row)
    return Range("order_pk", low, high)
