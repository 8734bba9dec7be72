"""Work on numbered parts by Spark's workers: what they return is all that Java moves."""

from collections.abc import Callable
from typing import Any, TypeVar

from pyspark.sql import SparkSession

Result = TypeVar("Result")


def on_workers(spark: SparkSession, parts: int, work: Callable[[int], Result]) -> list[Result]:
    """What `work` returns for each part, in their order; a task each."""
    numbers = spark.sparkContext.parallelize(range(parts), max(parts, 1))
    results: list[Any] = numbers.map(work).collect()
    return results
