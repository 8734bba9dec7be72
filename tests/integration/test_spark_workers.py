"""Spark's Python workers are forked with all imported that a job sends to them."""

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

import jobs
from jobs.spark.daemon import ON_THE_WAY, SENT

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def test_a_worker_has_imported_what_jobs_send_and_seeks_no_garbage_in_it(
    spark: "SparkSession",
) -> None:
    imported = (*SENT, *ON_THE_WAY)

    def look(batches: Iterable[pa.RecordBatch]) -> Iterable[pa.RecordBatch]:
        import gc
        import sys

        modules = sum(name in sys.modules for name in imported)
        for _ in batches:
            yield pa.RecordBatch.from_pydict(
                {"modules": [modules], "kept": [gc.get_freeze_count()]}
            )

    (row,) = spark.range(1).mapInArrow(look, "modules long, kept long").collect()

    assert row.modules == len(imported)
    assert row.kept > 100_000


def test_all_workers_are_forked_from_one_daemon(spark: "SparkSession") -> None:
    def daemon(batches: Iterable[pa.RecordBatch]) -> Iterable[pa.RecordBatch]:
        for _ in batches:
            yield pa.RecordBatch.from_pydict({"daemon": [os.getppid()]})

    (of_table,) = spark.range(1).mapInArrow(daemon, "daemon long").collect()
    (of_rdd,) = spark.sparkContext.parallelize([0], 1).map(lambda _: os.getppid()).collect()

    assert of_table.daemon == of_rdd


def test_every_module_that_sends_rows_to_workers_is_imported_before():
    """Also one that work moved to: a worker would import it again for each task."""
    rooms = Path(jobs.__path__[0])
    sending = {
        ".".join(("jobs", *file.relative_to(rooms).with_suffix("").parts))
        for file in rooms.rglob("*.py")
        if any(
            f"from jobs.spark.{name} import" in file.read_text(encoding="utf-8")
            for name in ("arrow", "tasks")
        )
    }
    assert sending <= modules_of_the_daemon()
    assert "jobs.training_set.writing" in sending


def test_a_worker_has_none_of_what_commits_a_run():
    """It takes the daemon as long to import as all the rest, and workers never use it."""
    assert not {"psycopg", "pyiceberg", "sqlalchemy"} & modules_of_the_daemon()


def modules_of_the_daemon() -> set[str]:
    code = """
import sys
from jobs.spark.daemon import import_what_is_sent
import_what_is_sent()
print(*sys.modules)
"""
    imported = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    return {*imported.stdout.split()}


def test_a_worker_does_not_read_the_lists_of_zip_files_again(spark: "SparkSession") -> None:
    def look(batches: Iterable[pa.RecordBatch]) -> Iterable[pa.RecordBatch]:
        import importlib
        import zipimport

        known = zipimport._zip_directory_cache
        before = {path: id(listed) for path, listed in known.items()}
        importlib.invalidate_caches()
        after = {path: id(listed) for path, listed in known.items()}
        for _ in batches:
            yield pa.RecordBatch.from_pydict({"zips": [len(before)], "same": [before == after]})

    (row,) = spark.range(1).mapInArrow(look, "zips long, same boolean").collect()

    assert row.zips
    assert row.same
