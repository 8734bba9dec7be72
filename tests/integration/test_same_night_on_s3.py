"""A night on S3 gives what it gives on a folder, with the least rights that do."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import redis

import jobs.snapshot.delta
from features_pkg.models.bundle import PICKLE
from jobs.job import Job
from jobs.snapshot.chain import chain_of, files_of
from jobs.snapshot.facts import SnapshotFacts
from jobs.snapshot.night import snapshot
from jobs.train.run import TrainingOptions, train
from jobs.training_set.run import training_set
from stores.offline.models import StoredModels
from stores.offline.revisions import read_revision
from stores.offline.runs import DataFile
from stores.offline.tables import find_table, open_store
from tests.integration.history import History, a_job
from tests.integration.night_shop import CUTOFF, HOUR, JUNE
from tests.integration.s3_jobs import FOLDER, Bucket, a_proxied_bucket
from tests.integration.test_training_set import some_orders
from tests.integration.training_shop import WEEK
from tests.model_keys import SIGNING_KEY
from tests.s3 import S3Server
from tests.s3_policy import actions_of, allows, policy_file, requests_of
from tests.s3_proxy import S3Call
from tests.servers import Servers, a_database, with_database
from tests.unit.trained_models import a_training_set, committed

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

WEEK_LONG = timedelta(days=7)
ONLY_AFTER_A_FAILURE = {"s3:AbortMultipartUpload"}
"""What a run does when it could not write all of its files."""


@dataclass(frozen=True)
class Night:
    """What a snapshot and a training set of a small past are, wherever they are stored."""

    snapshot: pa.Table
    training_set: pa.Table
    redis: dict[bytes, bytes]


@dataclass(frozen=True)
class Nights:
    """The same night on a folder and on S3, and the calls of S3 that it made."""

    folder: Night
    bucket: Night
    calls: list[S3Call]
    reader_calls: list[S3Call]
    bucket_name: str


def rows_of(job: Job, described: Sequence[DataFile], order: str) -> pa.Table:
    """The rows of some files, in one order."""
    files = open_store(job.settings).files
    tables = [pq.read_table(pa.BufferReader(files.read(file.key))) for file in described]
    rows = pa.concat_tables(tables, promote_options="default")
    keys = [name for name in (order, "as_of") if name in rows.column_names]
    return rows.sort_by([(name, "ascending") for name in keys])


def a_night(job: Job) -> Night:
    """A snapshot, which Spark adds to one of all events, and a training set of a small past."""
    history = History(job.settings.postgres_url)
    some_orders(history, 60)
    snapshot(job, JUNE - WEEK_LONG)
    history.order(CUTOFF - HOUR, card="new", email="new")
    revision = snapshot(job, JUNE).load.revision
    training = training_set(job, WEEK)
    with redis.Redis.from_url(job.settings.redis_url) as client:
        keys: list[bytes] = client.keys("*")  # type: ignore[assignment]
        contents: list[bytes] = client.mget(keys)  # type: ignore[assignment]
    store = open_store(job.settings)
    chain = chain_of(store, read_revision(store, revision, SnapshotFacts))
    assert [link.rows > 2 for link in chain] == [True, True]
    return Night(
        snapshot=rows_of(job, files_of(chain), "entity"),
        training_set=rows_of(job, training.files, "order_pk"),
        redis={k: v for k, v in zip(keys, contents, strict=True) if not k.endswith(b"fence")},
    )


def read_tables(job: Job, bucket: Bucket) -> list[S3Call]:
    """The calls of somebody who reads every table with PyIceberg."""
    store = open_store(job.settings)
    bucket.proxy.calls.clear()
    for identifier in store.catalogue.list_tables("ontem"):
        table = find_table(store, identifier[-1])
        assert table is not None
        assert table.scan().to_arrow().num_rows > 0
    return list(bucket.proxy.calls)


@pytest.fixture(scope="module")
def nights(
    test_servers: Servers,
    template_url: str,
    s3: S3Server,
    spark: "SparkSession",
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Nights]:
    template = template_url.rpartition("/")[2]
    redis_url = with_database(test_servers.redis_url, "0")
    root = tmp_path_factory.mktemp("João 50% ")
    made = []
    with (
        a_proxied_bucket(s3) as bucket,
        redis.Redis.from_url(redis_url) as client,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(jobs.snapshot.delta, "FEW_EVENTS", 0)
        for on_s3 in (False, True):
            client.flushdb()
            with a_database(test_servers.postgres_url, template=template) as url:
                if on_s3:
                    job = bucket.job(url, redis_url, spark)
                else:
                    job = a_job(url, redis_url, root.as_uri(), spark)
                made.append(a_night(job))
                calls = list(bucket.proxy.calls)
                if on_s3:
                    reads = read_tables(job, bucket)
        client.flushdb()
        yield Nights(*made, calls=calls, reader_calls=reads, bucket_name=bucket.name)


def test_a_night_on_s3_is_that_of_the_folder(nights: Nights) -> None:
    assert nights.bucket.snapshot.num_rows > 20
    assert nights.bucket.snapshot.equals(nights.folder.snapshot)
    assert nights.bucket.training_set.num_rows > 20
    assert nights.bucket.training_set.equals(nights.folder.training_set)


def test_redis_has_the_same_bytes(nights: Nights) -> None:
    assert len(nights.bucket.redis) > 1
    assert nights.bucket.redis == nights.folder.redis


def test_a_model_of_a_set_on_s3_is_that_of_the_folder(
    test_servers: Servers, template_url: str, s3: S3Server, storage_url: str
) -> None:
    nowhere, template = "redis://127.0.0.1:1", template_url.rpartition("/")[2]
    digests = []
    with a_proxied_bucket(s3) as bucket:
        for on_s3 in (False, True):
            with a_database(test_servers.postgres_url, template=template) as url:
                job = bucket.job(url, nowhere) if on_s3 else a_job(url, nowhere, storage_url)
                store = open_store(job.settings)
                committed(store, a_training_set(orders=1500))
                options = TrainingOptions(revision=1, key=SIGNING_KEY, velocity=False)
                model = train(store, job.feature_set, options)
                folder = StoredModels(store.files).location(model.name)
                assert folder.startswith("s3://" if on_s3 else "/")
                digests.append(model.files[PICKLE])

    assert digests[0] == digests[1]


def test_each_call_of_a_night_is_allowed_and_no_action_is_allowed_in_vain(nights: Nights) -> None:
    policy = policy_file("night-role", bucket=nights.bucket_name, folder=FOLDER)

    asked = {request for call in nights.calls for request in requests_of(call)}

    assert [request for request in sorted(asked, key=str) if not allows(policy, request)] == []
    assert actions_of(policy) - {action for action, *_ in asked} == ONLY_AFTER_A_FAILURE


def test_each_call_of_a_reader_is_allowed_and_no_action_is_allowed_in_vain(nights: Nights) -> None:
    policy = policy_file("reader-role", bucket=nights.bucket_name, folder=FOLDER)

    asked = {request for call in nights.reader_calls for request in requests_of(call)}

    assert [request for request in sorted(asked, key=str) if not allows(policy, request)] == []
    assert actions_of(policy) - {action for action, *_ in asked} == set()
