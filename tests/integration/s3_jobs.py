"""Jobs whose offline store is a bucket behind a proxy that a test can read and disturb."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from jobs.job import Job
from tests.integration.history import a_job
from tests.s3 import S3Server, a_bucket, keys_of
from tests.s3_proxy import S3Proxy, an_s3_proxy

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

FOLDER = "João [1]/50% and 1+1"
PATIENCE = {
    "attempts.maximum": "2",
    "connection.timeout": "3s",
    "retry.interval": "10ms",
    "retry.limit": "3",
    "retry.throttle.interval": "10ms",
    "retry.throttle.limit": "3",
}
"""Options of S3A with which a test does not wait for minutes."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket, and the proxy through which the job finds it."""

    s3: S3Server
    name: str
    proxy: S3Proxy

    @property
    def url(self) -> str:
        return f"s3://{self.name}/{FOLDER}"

    @property
    def variables(self) -> dict[str, str]:
        """What a process needs to find the bucket."""
        return {**self.s3.variables, "AWS_ENDPOINT_URL": self.proxy.endpoint}

    def keys(self, folder: str = "") -> list[str]:
        """The keys below a folder of the store, past the proxy."""
        start = f"{FOLDER}/"
        return [key.removeprefix(start) for key in keys_of(self.s3, self.name, start + folder)]

    def reached_by(self, spark: "SparkSession") -> None:
        """Let Spark find the bucket through the proxy, and not wait for it for long."""
        for name, value in {"endpoint": self.proxy.endpoint, **PATIENCE}.items():
            spark.conf.set(f"fs.s3a.bucket.{self.name}.{name}", value)

    def job(self, postgres_url: str, redis_url: str, spark: "SparkSession | None" = None) -> Job:
        """A job whose store is the bucket."""
        job = a_job(postgres_url, redis_url, self.url, spark)
        region = self.variables["AWS_REGION"]
        address = {"s3_endpoint": self.proxy.endpoint, "s3_region": region}
        if spark is not None:
            self.reached_by(spark)
        return replace(job, settings=replace(job.settings, **address))


@contextmanager
def a_proxied_bucket(s3: S3Server) -> Iterator[Bucket]:
    """An empty bucket behind a proxy; this process has the credentials for it."""
    with (
        a_bucket(s3) as name,
        an_s3_proxy(s3.endpoint) as proxy,
        pytest.MonkeyPatch.context() as patch,
    ):
        for variable, value in s3.variables.items():
            patch.setenv(variable, value)
        yield Bucket(s3, name, proxy)
