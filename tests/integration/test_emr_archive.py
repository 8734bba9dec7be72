"""The archive for EMR does a night where nothing else of Ontem is, and it is that of a checkout."""

import json
import shutil
import sysconfig
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
import redis

from jobs.snapshot.facts import SnapshotFacts, snapshot_slot
from jobs.snapshot.night import snapshot
from jobs.training_set.facts import TrainingSetFacts, training_set_slot
from jobs.training_set.run import training_set
from stores.offline.revisions import read_revision
from stores.offline.tables import open_store
from tests.integration.emr_archive import Cluster, a_thin_archive, an_archive
from tests.integration.history import History, a_job
from tests.integration.night_shop import JUNE
from tests.integration.test_same_night_on_s3 import Night, rows_of
from tests.integration.test_training_set import some_orders
from tests.integration.training_shop import WEEK
from tests.s3 import S3Server, a_bucket
from tests.servers import Servers, a_database, with_database

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

VARIABLES = {
    "BUSINESS_TIMEZONE": "America/Sao_Paulo",
    "LABEL_MATURITY_DAYS": "7",
    "ONTEM_ENVIRONMENT": "development",
}
SECRETS = ("ontem/test", "/ontem/redis")
EXECUTORS = "local-cluster[2,1,1024]"


@pytest.fixture(scope="module")
def cluster(s3: S3Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("cluster")
    archive = an_archive(tmp_path_factory.mktemp("archive"))
    with a_bucket(s3) as bucket, pytest.MonkeyPatch.context() as patch:
        for name, value in s3.variables.items():
            patch.setenv(name, value)  # where the SDKs look for credentials
        cluster = Cluster(folder, s3, bucket)
        cluster.install()
        cluster.send(archive)
        yield cluster
    for each in (folder, archive.parent):  # gigabytes, which pytest would keep
        shutil.rmtree(each)


@pytest.fixture(scope="module")
def twin(
    test_servers: Servers,
    template_url: str,
    spark: "SparkSession",
    tmp_path_factory: pytest.TempPathFactory,
) -> Night:
    """The night of the checkout."""
    template = template_url.rpartition("/")[2]
    redis_url = with_database(test_servers.redis_url, "0")
    empty(redis_url)
    with a_database(test_servers.postgres_url, template=template) as url:
        job = a_job(url, redis_url, tmp_path_factory.mktemp("twin").as_uri(), spark)
        some_orders(History(url), 60)
        night = snapshot(job, JUNE).load.revision
        return what_is_there(job, night, training_set(job, WEEK).name, redis_url)


def empty(redis_url: str) -> None:
    """Remove what other tests have published: after its loads the ids of lost ones are skipped."""
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()


def what_is_there(job: Any, night: str, training: str, redis_url: str) -> Night:
    store = open_store(job.settings)
    with redis.Redis.from_url(redis_url) as client:
        keys: list[bytes] = client.keys("*")  # type: ignore[assignment]
        contents: list[bytes] = client.mget(keys)  # type: ignore[assignment]
        client.flushdb()
    found = dict(zip(keys, contents, strict=True))
    assert any(key.endswith(b"loads") for key in keys)
    return Night(
        snapshot=rows_of(job, read_revision(store, night, SnapshotFacts).files, "entity"),
        training_set=rows_of(
            job, read_revision(store, training, TrainingSetFacts).files, "order_pk"
        ),
        # The lists have a digest of the files, and two Sparks split the rows as they like.
        redis={
            key: value for key, value in found.items() if not key.endswith((b"fence", b"loads"))
        },
    )


def client_of(s3: S3Server, service: str) -> Any:
    return boto3.client(
        service, endpoint_url=s3.endpoint, region_name="sa-east-1",
        aws_access_key_id="test", aws_secret_access_key="test",
    )  # fmt: skip


def test_the_archive_does_the_night_and_the_training_set_of_the_checkout(
    cluster: Cluster,
    twin: Night,
    test_servers: Servers,
    template_url: str,
    tmp_path: Path,
) -> None:
    template = template_url.rpartition("/")[2]
    redis_url = with_database(test_servers.redis_url, "0")
    empty(redis_url)
    with a_database(test_servers.postgres_url, template=template) as url:
        secret = {"ONTEM_POSTGRES_URL": url, "ONTEM_ENTITY_KEY": bytes(range(32)).hex()}
        client_of(cluster.s3, "secretsmanager").create_secret(
            Name=SECRETS[0], SecretString=json.dumps(secret)
        )
        client_of(cluster.s3, "ssm").put_parameter(
            Name=SECRETS[1], Value=f"ONTEM_REDIS_URL={redis_url}", Type="SecureString"
        )
        some_orders(History(url), 60)
        variables = {**VARIABLES, "ONTEM_STORAGE_URL": f"s3://{cluster.bucket}/store"}

        ended, night = cluster.run(EXECUTORS, ("night", "--as-of", str(JUNE)), variables)
        assert night == (0, None), f"{night.error}\n{ended.stdout}{ended.stderr}"
        assert len(cluster.executors) == 2  # each in a process and a folder of its own
        cluster.send(
            a_thin_archive(tmp_path, cluster.unpacked)
        )  # those packages, not unpacked again
        days = ("--from", str(WEEK.first_day), "--to", str(WEEK.end_day))
        ended, training = cluster.run(EXECUTORS, ("training-set", *days), variables)
        assert training == (0, None), f"{training.error}\n{ended.stdout}{ended.stderr}"
        assert len(cluster.executors) == 4

        job = a_job(url, redis_url, variables["ONTEM_STORAGE_URL"])
        address = {"s3_endpoint": cluster.s3.endpoint, "s3_region": "sa-east-1"}
        job = replace(job, settings=replace(job.settings, **address))
        features = job.feature_set
        found = what_is_there(
            job,
            snapshot_slot(features.timelines_id, JUNE).name(1),
            training_set_slot(features.version).name(1),
            redis_url,
        )

    assert found.snapshot.num_rows > 20
    assert found.snapshot.equals(twin.snapshot)
    assert found.training_set.equals(twin.training_set)
    assert len(found.redis) > 1
    assert found.redis == twin.redis


def test_how_a_job_ends_comes_back_with_its_code_and_its_sentence(
    s3: S3Server, tmp_path: Path
) -> None:
    with a_bucket(s3) as bucket:
        cluster = Cluster(tmp_path, s3, bucket)
        cluster.install()
        cluster.send(a_thin_archive(tmp_path, Path(sysconfig.get_path("purelib"))))
        ended, outcome = cluster.run("local", ("night", "--as-of", "soon"), {})

    assert (ended.returncode, outcome.exit_code) == (2, 2), ended.stderr
    assert "'soon' is not a day" in (outcome.error or "")
    assert "ontem: 'soon' is not a day" in ended.stdout.replace("Invalid value for '--as-of': ", "")
