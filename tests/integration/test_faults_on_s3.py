"""An S3 server that fails in between: at most one commit, and nothing is lost."""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import redis

from jobs.snapshot.facts import SnapshotFacts
from jobs.snapshot.night import snapshot
from jobs.spark.failure import SparkFailed, spark_failures
from stores.offline.commit import commit_run
from stores.offline.errors import StorageUnusable
from stores.offline.revisions import newest_revision, read_revision
from stores.offline.tables import OfflineStore, open_store
from tests.integration.history import History
from tests.integration.night_shop import JUNE
from tests.integration.offline_runs import NUMBERS, SLOT, Facts, a_run, commit, rows_of
from tests.integration.s3_jobs import Bucket, a_proxied_bucket
from tests.integration.test_training_set import some_orders
from tests.s3 import S3Server
from tests.s3_proxy import Fault, S3Call

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

NOWHERE = "redis://127.0.0.1:1"


@pytest.fixture
def bucket(s3: S3Server) -> Iterator[Bucket]:
    with a_proxied_bucket(s3) as made:
        yield made


@pytest.fixture
def store(bucket: Bucket, database_url: str) -> OfflineStore:
    """A store with one committed run of three rows."""
    opened = open_store(bucket.job(database_url, NOWHERE).settings)
    commit(opened, "old", rows=3)
    return opened


def fail_each_write_once(bucket: Bucket, *faults: Fault) -> None:
    """Let the first try of each write fail, in turn with each of the faults."""
    failed: set[tuple[str, str, bool, bool]] = set()

    def first_try_of(turn: int) -> Callable[[S3Call], bool]:
        def matches(call: S3Call) -> bool:
            which = (call.method, call.key, "uploads" in call.query, "uploadId" in call.query)
            if not call.is_write or which in failed or len(failed) % len(faults) != turn:
                return False
            failed.add(which)
            return True

        return matches

    for turn, fault in enumerate(faults):
        bucket.proxy.fail(fault, first_try_of(turn), times=1000)


def completes(ending: str) -> Callable[[S3Call], bool]:
    """Whether a call completes the upload of a file of that ending."""
    return lambda call: call.completes(ending)


def test_a_commit_outlasts_a_server_that_fails_each_write_once(
    bucket: Bucket, store: OfflineStore
) -> None:
    fail_each_write_once(bucket, "500", "503", "reset")

    made = commit(store, "new", rows=5)

    assert sum(rule.hits for rule in bucket.proxy.rules) > 9
    assert made.number == newest_revision(store, SLOT) == 2
    assert rows_of(store) == list(range(5))


@pytest.mark.parametrize("fault", ["503", "403", "reset", "upload lost"])
@pytest.mark.parametrize("ending", ["files.json", "m0.avro", ".metadata.json"])
def test_a_commit_that_fails_has_changed_nothing_and_can_be_repeated(
    bucket: Bucket, store: OfflineStore, fault: Fault, ending: str
) -> None:
    run = a_run(store, "new", rows=5)
    bucket.proxy.fail(fault, completes(ending), times=99)

    with pytest.raises(OSError, match=re.escape(ending)):
        commit_run(store, NUMBERS, run)
    assert newest_revision(store, SLOT) == 1
    assert rows_of(store) == [0, 1, 2]
    bucket.proxy.recover()

    assert commit_run(store, NUMBERS, run).number == newest_revision(store, SLOT) == 2
    assert rows_of(store) == list(range(5))
    assert read_revision(store, SLOT.name(1), Facts).rows == 3


def test_metadata_that_were_written_without_an_answer_make_one_commit(
    bucket: Bucket, store: OfflineStore
) -> None:
    run = a_run(store, "new", rows=5)
    rule = bucket.proxy.fail("silent", completes(".metadata.json"))

    with suppress(OSError):  # the client may hear on its next try that the upload is over
        commit_run(store, NUMBERS, run)
    assert rule.hits == 1
    assert newest_revision(store, SLOT) in (1, 2)

    assert commit_run(store, NUMBERS, run).number == newest_revision(store, SLOT) == 2
    assert rows_of(store) == list(range(5))


def test_an_answer_that_was_lost_after_the_commit_makes_no_second_one(
    bucket: Bucket, store: OfflineStore
) -> None:
    run = a_run(store, "new", rows=5)
    rule = bucket.proxy.fail("503", completes("version-hint.text"), times=99)

    with pytest.raises(OSError, match="version-hint"):
        commit_run(store, NUMBERS, run)
    assert rule.hits > 0
    assert newest_revision(store, SLOT) == 2
    bucket.proxy.recover()

    assert commit_run(store, NUMBERS, run).number == newest_revision(store, SLOT) == 2


def test_a_bucket_that_forbids_writing_is_a_sentence(bucket: Bucket, database_url: str) -> None:
    bucket.proxy.fail("403", lambda call: call.is_write, times=99)

    with pytest.raises(StorageUnusable, match=r"may not write there.*set ONTEM_STORAGE_URL"):
        open_store(bucket.job(database_url, NOWHERE).settings)
    assert bucket.keys() == []


def test_a_server_that_is_away_is_a_sentence(bucket: Bucket, database_url: str) -> None:
    bucket.proxy.fail("reset", times=99)

    with pytest.raises(StorageUnusable, match=r"can't be used .*set ONTEM_STORAGE_URL"):
        open_store(bucket.job(database_url, NOWHERE).settings)


def test_a_night_outlasts_a_server_that_fails_each_write_once(
    bucket: Bucket, database_url: str, redis_url: str, spark: "SparkSession"
) -> None:
    some_orders(History(database_url), 60)
    job = bucket.job(database_url, redis_url, spark)
    fail_each_write_once(bucket, "500", "503", "reset")

    night = snapshot(job, JUNE)

    store = open_store(job.settings)
    revision = read_revision(store, night.load.revision, SnapshotFacts)
    assert sum(rule.hits for rule in bucket.proxy.rules) > 20
    assert night.written == night.load.entities == revision.rows > 20
    assert bucket.keys("runs/snapshots/") == sorted(
        [file.key for file in revision.files]
        + [f"runs/snapshots/{revision.run}/{name}" for name in ("", "files.json")]
    )


def test_a_night_that_loses_its_upload_publishes_nothing_and_can_be_repeated(
    bucket: Bucket, database_url: str, redis_url: str, spark: "SparkSession", tmp_path: Path
) -> None:
    some_orders(History(database_url), 60)
    job = bucket.job(database_url, redis_url, spark)
    rule = bucket.proxy.fail(
        "upload lost",
        lambda call: "/snapshots/" in call.key and call.completes(".parquet"),
        times=99,
    )

    with pytest.raises(SparkFailed, match="nothing is committed"), spark_failures(tmp_path):
        snapshot(job, JUNE)
    with redis.Redis.from_url(redis_url) as client:
        assert client.keys("*") == []
    assert rule.hits > 0
    assert [key for key in bucket.keys("tables/") if "/snapshots_" in key] == []
    left = bucket.keys("runs/snapshots/")
    assert [key for key in left if key.endswith((".parquet", ".arrow"))] == []
    bucket.proxy.recover()

    night = snapshot(job, JUNE)
    assert night.written == night.load.entities > 20
