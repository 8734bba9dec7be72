"""The night of somebody who knows Spark and not Ontem: `python -m ...spark_night PLAN`.

It reads the same `events`, brings the rows of each entity together, counts its orders and
chargebacks in the windows of the catalogue, and writes a row for each entity.
"""

import json
import sys
import time
from datetime import date
from pathlib import Path

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812  as everybody calls it

from benchmarks.peers.plan import Plan
from benchmarks.peers.spark_windows import spark_session
from features_pkg.definitions.catalogue import CHARGEBACK_WINDOWS, ORDER_WINDOWS
from features_pkg.definitions.velocity import Past
from features_pkg.definitions.window import Window
from features_pkg.identifiers import MERCHANT, SINGLE_VALUED, Identifier


def entities(events: DataFrame, day: date, timezone: str) -> DataFrame:
    """A row for each entity with an event before the day: its key and its counts."""
    cutoff = F.to_utc_timestamp(F.lit(day.isoformat()), timezone)
    past = events.where(F.col("event_at") < cutoff)
    charged = (
        past.where(F.col("kind") == "chargeback")
        .groupBy("order_pk")
        .agg(F.min("event_at").alias("charged_at"))
    )
    orders = past.where(F.col("kind") == "order").join(charged, on="order_pk", how="left")
    single = F.array(*[F.col(name) for name in (MERCHANT, *SINGLE_VALUED)])
    rows = orders.select(
        F.explode(F.concat(single, F.col(Identifier.PRODUCT))).alias("entity"),
        "amount_cents",
        "event_at",
        _age("event_at", day, timezone).alias("age"),
        _age("charged_at", day, timezone).alias("charged_age"),
    ).where(F.col("entity").isNotNull())
    return rows.groupBy("entity").agg(
        *_counts("orders", F.col("age"), ORDER_WINDOWS[Past.DISTANT]),
        *_counts("chargebacks", F.col("charged_age"), CHARGEBACK_WINDOWS[Past.DISTANT]),
        F.sum("amount_cents").alias("amount_cents"),
        F.min("event_at").alias("first_at"),
        F.max("event_at").alias("last_at"),
    )


def _age(column: str, day: date, timezone: str) -> Column:
    """How many days before the day an instant was."""
    return F.datediff(F.lit(day), F.from_utc_timestamp(F.col(column), timezone))


def _counts(name: str, age: Column, windows: tuple[str, ...]) -> list[Column]:
    counts = []
    for text in windows:
        days = Window(text).days
        inside = age.isNotNull() if days is None else age <= days
        counts.append(F.count_if(inside).alias(f"{name}_{text}"))
    return counts


if __name__ == "__main__":
    plan = Plan.read(sys.argv[1])
    spark = spark_session(plan)
    start = time.perf_counter()
    day = date.fromisoformat(plan.steps[0][1][0])
    entities(spark.read.parquet(*plan.files), day, plan.timezone).write.parquet(plan.whole)
    seconds = time.perf_counter() - start
    (Path(plan.folder) / "times.jsonl").write_text(json.dumps({"join": seconds}), encoding="utf-8")
    spark.stop()
