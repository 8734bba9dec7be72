"""What ends a job when Spark or one of its workers fails."""

import logging
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pyarrow as pa
import pytest
from py4j import clientserver, java_gateway
from py4j.protocol import Py4JError

from features_pkg.errors import DefinitionError
from jobs.errors import ConnectorMissing
from jobs.exit_codes import exit_code
from jobs.spark.arrow import map_batches
from jobs.spark.failure import TRACEBACK, SparkFailed, SparkLostStorage, spark_failures
from jobs.spark.session import SparkSettings, session
from tests.integration.s3_jobs import a_proxied_bucket
from tests.s3 import S3Server
from tests.s3_proxy import Fault

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

BUYER = "ana@example.com"
NUMBERS = pa.schema([("id", pa.int64())])


def refused(_: pa.Table) -> pa.Table:
    raise DefinitionError("orders_5x", "is a window that nobody knows")


def broken(_: pa.Table) -> pa.Table:
    raise ValueError(f"the order of {BUYER}\nis odd")


def without_room(_: pa.Table) -> pa.Table:
    with pa.OSFile("/dev/full", "wb") as file:
        file.write(BUYER.encode())
    raise AssertionError("unreachable")


def without_s3(_: pa.Table) -> pa.Table:
    raise OSError(f"When completing {BUYER}: AWS Error NETWORK_CONNECTION during PutObject: curl")


def killed(_: pa.Table) -> pa.Table:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("unreachable")


@pytest.mark.parametrize(
    ("transform", "reason"),
    [
        (killed, "one of its Python workers was ended from outside, perhaps for want of memory"),
        (refused, "orders_5x: is a window that nobody knows"),
        (broken, r"ValueError in a worker, at test_spark_failure\.py:\d+"),
        (
            without_room,
            r"OSError in a worker, at test_spark_failure\.py:\d+: No space left on device",
        ),
        (
            without_s3,
            r"OSError in a worker, at test_spark_failure\.py:\d+: AWS Error NETWORK_CONNECTION",
        ),
    ],
)
def test_an_error_in_a_worker_is_a_sentence_that_quotes_no_order(
    spark: "SparkSession",
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    transform: Callable[[pa.Table], pa.Table],
    reason: str,
) -> None:
    with pytest.raises(SparkFailed) as failed, spark_failures(tmp_path):
        map_batches(spark.range(10), transform, NUMBERS).collect()

    where = (tmp_path / TRACEBACK).read_text(encoding="utf-8")
    assert re.fullmatch(reason, failed.value.reason)
    assert str(tmp_path / TRACEBACK) in str(failed.value)
    assert "\n" not in str(failed.value)
    assert exit_code(failed.value) == (4 if transform is without_s3 else 1)
    assert 'test_spark_failure.py"' in where
    assert BUYER not in str(failed.value) + where + "".join(capfd.readouterr())


def test_a_folder_that_spark_can_not_write_is_named(spark: "SparkSession", tmp_path: Path) -> None:
    with pytest.raises(SparkFailed) as failed, spark_failures(tmp_path):
        spark.range(10).write.parquet("file:///proc/no/such/folder")

    assert failed.value.reason.startswith("IOException: ")
    assert exit_code(failed.value) == 1


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("503", "AWSServiceThrottledException"),
        ("500", "AWSStatus500Exception"),
        ("reset", "SocketException: Connection reset"),
        ("403", "AccessDeniedException: s3a://"),
    ],
)
def test_an_s3_that_does_not_answer_java_can_pass_and_one_that_forbids_can_not(
    spark: "SparkSession", s3: S3Server, tmp_path: Path, fault: Fault, reason: str
) -> None:
    with a_proxied_bucket(s3) as bucket:
        bucket.reached_by(spark)
        bucket.proxy.fail(fault, times=10_000)
        with pytest.raises(SparkFailed) as failed, spark_failures(tmp_path):
            spark.read.schema("id long").parquet(f"s3a://{bucket.name}/rows").collect()

    assert failed.value.reason.startswith(reason)
    assert exit_code(failed.value) == (1 if fault == "403" else 4)


def test_an_s3_that_is_away_can_pass(spark: "SparkSession", s3: S3Server, tmp_path: Path) -> None:
    with a_proxied_bucket(s3) as bucket:
        bucket.reached_by(spark)
        bucket.proxy.close()
        with pytest.raises(SparkLostStorage, match="Connection refused"), spark_failures(tmp_path):
            spark.range(10).write.parquet(f"s3a://{bucket.name}/rows")


AT_S3A = "\tat org.apache.hadoop.fs.s3a.S3AUtils.translateException(S3AUtils.java:200)"
SDK = "software.amazon.awssdk.core.exception"


@pytest.mark.parametrize(
    ("causes", "can_pass"),
    [
        ([": org.apache.hadoop.fs.s3a.AWSApiCallTimeoutException: upload part", AT_S3A], True),
        ([": java.io.IOException: read", AT_S3A,
          "Caused by: java.net.SocketTimeoutException: Read timed out"], True),
        ([": java.io.IOException: read", AT_S3A,
          f"Caused by: {SDK}.SdkClientException: Unable to execute HTTP request: s3.local"], True),
        ([": java.io.IOException: read", AT_S3A,
          "Caused by: S3Exception: slower (Service: S3, Status Code: 429, Request ID: 5)"], True),
        ([": java.nio.file.AccessDeniedException: rows", AT_S3A,
          f"\tSuppressed: {SDK}.SdkClientException: Request attempt 1 failure: Status Code: 503",
          "Caused by: S3Exception: Forbidden (Service: S3, Status Code: 403)"], False),
        ([": org.apache.spark.SparkException: Job aborted", "\tat org.apache.spark.rpc.Inbox",
          "Caused by: java.net.ConnectException: Connection refused"], False),
    ],
    ids=["slow call", "slow bytes", "no host", "too often", "forbidden at last", "of Spark"],
)  # fmt: skip
def test_what_s3a_says_of_an_outage_can_pass_whatever_was_suppressed(
    tmp_path: Path, causes: list[str], *, can_pass: bool
) -> None:
    with pytest.raises(SparkFailed) as failed, spark_failures(tmp_path):
        raise Py4JError("\n".join(["An error occurred while calling o1.parquet.", *causes]))

    assert exit_code(failed.value) == (4 if can_pass else 1)


def test_a_message_that_java_suppressed_is_not_kept(tmp_path: Path) -> None:
    causes = [": java.io.IOException: read", AT_S3A, f"\tSuppressed: a.b.OddRow: {BUYER}"]
    with pytest.raises(SparkFailed) as failed, spark_failures(tmp_path):
        raise Py4JError("\n".join(causes))

    assert failed.value.reason == "IOException: read"
    where = (tmp_path / TRACEBACK).read_text(encoding="utf-8")
    assert "Suppressed: a.b.OddRow\n" in where
    assert BUYER not in where


def test_a_store_on_s3_without_the_connector_is_refused_before_spark_starts(
    tmp_path: Path,
) -> None:
    settings = SparkSettings(jars=tmp_path, scratch=tmp_path, storage={"spark.hadoop.a": "b"})
    with pytest.raises(ConnectorMissing, match="hadoop-aws"), session("test", settings):
        pass


def test_a_java_that_has_ended_is_named(tmp_path: Path) -> None:
    with pytest.raises(SparkFailed, match="its Java process has ended"), spark_failures(tmp_path):
        raise ConnectionRefusedError(111, "Connection refused")


def test_py4j_writes_nothing_beside_what_it_raises(
    spark: "SparkSession", caplog: pytest.LogCaptureFixture
) -> None:
    of_root = logging.makeLogRecord({"pathname": java_gateway.__file__, "msg": "Ctrl-C"})
    for logger in (clientserver.logger, java_gateway.logger):
        logger.error("the connection is gone")
    logging.root.handle(of_root)
    assert caplog.records == []

    logging.root.error("of others")
    assert len(caplog.records) == 1


def test_an_error_of_a_store_stays_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(psycopg.OperationalError), spark_failures(tmp_path):
        raise psycopg.OperationalError("the connection is closed")
    assert not (tmp_path / TRACEBACK).exists()
