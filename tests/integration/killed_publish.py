"""`ontem publish` with executors of their own, in which somebody is killed.

    python -m tests.integration.killed_publish SETTINGS

publishes the newest load for each line of its input, and prints how that ended. A line is JSON such
as `{"victim": "executor", "pid": 0, "batches": 7, "progress": "..."}`.
"""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

import jobs.snapshot.publish
from features_pkg.errors import OntemError
from jobs.job import Job, one_spark
from jobs.snapshot import spread
from jobs.snapshot.night import publish_again
from jobs.spark.session import SparkSettings, session
from tests.class_archive import executors
from tests.integration.history import a_job
from tests.integration.killing_range import Kill, KillingRange

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

PROJECT = Path(__file__).parents[2]
MASTER = "local-cluster[2,1,1024]"


def a_spread_job(postgres_url: str, redis_url: str, storage_url: str, scratch: Path) -> Job:
    """A job whose Spark has two executors, which are processes of their own."""
    jars = PROJECT / ".ontem" / "jars"
    settings = SparkSettings(jars=jars, scratch=scratch, master=MASTER, storage=executors())

    @contextmanager
    def spark(app_name: str) -> Iterator["SparkSession"]:
        with session(app_name, settings) as made:
            yield made

    job = a_job(postgres_url, redis_url, storage_url)
    return Job(settings=job.settings, spark=spark, say=lambda _: None, cores=2)


def publish_and_kill(job: Job, kill: Kill) -> str:
    with mock.patch.object(jobs.snapshot.publish, "WriteRange", partial(KillingRange, kill=kill)):
        try:
            publish_again(job)
        except OntemError as error:
            return f"{type(error).__name__}: {error}"
    return "published"


def main() -> None:
    settings = json.loads(sys.argv[1])
    scratch = Path(settings.pop("scratch"))
    os.environ["SPARK_WORKER_DIR"] = str(scratch / "work")
    spread.FEW_ROWS = spread.SOME_ROWS = 0  # type: ignore[misc]
    with one_spark(a_spread_job(**settings, scratch=scratch)) as job:
        for line in sys.stdin:
            request = json.loads(line)
            kill = Kill(**request | {"progress": Path(request["progress"])})
            print(publish_and_kill(job, kill), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
