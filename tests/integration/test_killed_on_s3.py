"""A night on S3, or S3 itself, is killed meanwhile: readers see the old state, then the new one."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest
import redis
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException

from jobs.errors import JobError
from jobs.job import Job
from jobs.snapshot.facts import SnapshotFacts, snapshot_slot
from jobs.snapshot.night import snapshot
from stores.offline.revisions import newest_revision, read_revision
from stores.offline.tables import open_store
from tests.durable_s3 import DurableS3, a_durable_s3
from tests.integration.history import History
from tests.integration.night_shop import CUTOFF, JUNE
from tests.integration.s3_jobs import Bucket, a_proxied_bucket
from tests.integration.test_training_set import some_orders

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Seen = tuple[list[dict[str, Any]], list[dict[str, Any]], dict[bytes, bytes]]
PROJECT = Path(__file__).resolve().parents[2]
MAY = date(2018, 5, 31)
KILLED_AT = (
    (".parquet", "runs/events/"),
    (".parquet", "runs/snapshots/"),
    (".metadata.json", "tables/snapshots_"),
)
"""What the night is about to complete when it is killed: an extracted file, a built one, tables."""


@pytest.fixture(scope="module")
def durable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DurableS3]:
    with a_durable_s3(tmp_path_factory.mktemp("s3")) as running:
        yield running


@pytest.fixture
def bucket(durable: DurableS3) -> Iterator[Bucket]:
    with a_proxied_bucket(durable.server) as made:
        yield made


@pytest.fixture(scope="module")
def undisturbed(
    durable: DurableS3, module_database_url: str, module_redis_url: str, spark: "SparkSession"
) -> Seen:
    """What is seen after the nights of May and June that nothing disturbs."""
    with a_proxied_bucket(durable.server) as bucket:
        job = bucket.job(module_database_url, module_redis_url, spark)
        first_night(job)
        before = seen(job)
        snapshot(job, JUNE)
        assert seen(job) != before
        return seen(job)


def rows_of(job: Job, day: date) -> list[dict[str, Any]]:
    """The rows of the newest snapshot of a day; none when nothing is committed."""
    store, slot = open_store(job.settings), snapshot_slot(job.feature_set.timelines_id, day)
    number = newest_revision(store, slot)
    if not number:
        return []
    files = read_revision(store, slot.name(number), SnapshotFacts).files
    rows = [row for each in files for row in pq.read_table(store.files.open(each.key)).to_pylist()]
    return sorted(rows, key=lambda row: row["entity"])


def contents(redis_url: str) -> dict[bytes, bytes]:
    """All that is in Redis but the fences, which name a run."""
    with redis.Redis.from_url(redis_url) as client:
        keys: list[bytes] = client.keys("*")  # type: ignore[assignment]
        values: list[bytes] = client.mget(keys) if keys else []  # type: ignore[assignment]
    return {k: v for k, v in zip(keys, values, strict=True) if not k.endswith(b"fence")}


def seen(job: Job) -> Seen:
    """The rows as of May and of June, and what is in Redis."""
    return rows_of(job, MAY), rows_of(job, JUNE), contents(job.settings.redis_url)


def first_night(job: Job) -> History:
    """A past that is extracted and published as of May, and orders that came afterwards."""
    history = History(job.settings.postgres_url)
    some_orders(history, 60)
    snapshot(job, MAY)
    for minutes in range(20):
        history.order(CUTOFF - timedelta(minutes=minutes), card=f"late{minutes % 3}")
    return history


def kill_night(bucket: Bucket, job: Job, folder: Path, ending: str, below: str) -> None:
    """Run `ontem night` of June and kill it, with its Java, before such a file is complete."""
    settings = job.settings
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        "PYTHONPATH": str(PROJECT),
        "ONTEM_ENVIRONMENT": "development",
        "ONTEM_POSTGRES_URL": settings.postgres_url,
        "ONTEM_REDIS_URL": settings.redis_url,
        "ONTEM_STORAGE_URL": settings.storage_url,
        "ONTEM_ENTITY_KEY": settings.entity_secret.hex(),
        "LABEL_MATURITY_DAYS": "7",
    }
    bucket.proxy.hold_at(lambda call: call.completes(ending, below))
    with (folder / "night.log").open("wb") as log:
        night = subprocess.Popen(
            [sys.executable, "-m", "ontem", "night", "--as-of", f"{JUNE}"],
            cwd=folder,
            env=environ,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    threading.Thread(target=_tell_end, args=(night, bucket), daemon=True).start()
    bucket.proxy.reached.wait()
    is_running = night.poll() is None
    with suppress(ProcessLookupError):
        os.killpg(night.pid, signal.SIGKILL)
    night.wait()
    bucket.proxy.recover()
    assert is_running, (folder / "night.log").read_text()


def _tell_end(night: "subprocess.Popen[bytes]", bucket: Bucket) -> None:
    """Let nobody wait for a call of a night that has ended."""
    night.wait()
    bucket.proxy.reached.set()


def a_project(folder: Path, bucket: Bucket) -> Path:
    """A project whose `.ontem/env` alone says where S3 is, and with which credentials."""
    (folder / ".ontem").mkdir(parents=True)
    (folder / ".ontem" / "jars").symlink_to(PROJECT / ".ontem" / "jars")
    lines = [f"{name}={value}\n" for name, value in bucket.variables.items()]
    (folder / ".ontem" / "env").write_text("".join(lines))
    return folder


@pytest.mark.slow
def test_a_build_that_is_killed_changes_nothing_and_the_next_one_ends_as_if_it_never_was(
    bucket: Bucket,
    undisturbed: Seen,
    database_url: str,
    redis_url: str,
    tmp_path: Path,
    spark: "SparkSession",
) -> None:
    project = a_project(tmp_path / "João 50%", bucket)
    job = bucket.job(database_url, redis_url, spark)
    first_night(job)
    before = seen(job)
    for ending, below in KILLED_AT:
        kill_night(bucket, job, project, ending, below)

        assert seen(job) == before

    snapshot(job, JUNE)
    assert seen(job) == undisturbed


def test_a_server_that_is_killed_has_what_was_committed_and_the_next_night_finishes(
    bucket: Bucket,
    durable: DurableS3,
    undisturbed: Seen,
    database_url: str,
    redis_url: str,
    spark: "SparkSession",
) -> None:
    job = bucket.job(database_url, redis_url, spark)
    first_night(job)
    before = seen(job)
    for ending, below in KILLED_AT:
        bucket.proxy.hold_at(lambda call, e=ending, b=below: call.completes(e, b))
        killing = threading.Thread(target=_kill_server, args=(bucket, durable), daemon=True)
        killing.start()
        with pytest.raises((OSError, JobError, PySparkException, Py4JError)):
            snapshot(job, JUNE)
        killing.join()
        durable.start()

        assert seen(job) == before

    snapshot(job, JUNE)
    assert seen(job) == undisturbed


def _kill_server(bucket: Bucket, durable: DurableS3) -> None:
    """Kill the server when it is about to get the call that the proxy holds; calls now reach it."""
    bucket.proxy.reached.wait()
    durable.kill()
    bucket.proxy.recover()
