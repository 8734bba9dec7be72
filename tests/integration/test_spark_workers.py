"""Spark's Python workers are forked with all imported that a job sends to them."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pyarrow as pa

from jobs.spark.daemon import SENT

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def test_a_worker_has_imported_what_jobs_send_and_seeks_no_garbage_in_it(
    spark: "SparkSession",
) -> None:
    sent = SENT

    def look(batches: Iterable[pa.RecordBatch]) -> Iterable[pa.RecordBatch]:
        import gc
        import sys

        modules = sum(name in sys.modules for name in sent)
        for _ in batches:
            yield pa.RecordBatch.from_pydict(
                {"modules": [modules], "kept": [gc.get_freeze_count()]}
            )

    (row,) = spark.range(1).mapInArrow(look, "modules long, kept long").collect()

    assert row.modules == len(SENT)
    assert row.kept > 100_000
