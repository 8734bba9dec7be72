"""Objects of S3 by their URLs, and the clients that reach AWS."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import boto3
from botocore.config import Config


class S3Url(NamedTuple):
    """A bucket and a key in it; nothing of a key is encoded."""

    bucket: str
    key: str

    @classmethod
    def of(cls, url: str) -> "S3Url":
        """The parts of `s3://bucket/key`."""
        bucket, _, key = url.removeprefix("s3://").partition("/")
        return cls(bucket, key)

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"

    @property
    def folder(self) -> str:
        """The URL up to the last slash."""
        return str(self).rpartition("/")[0]

    @property
    def name(self) -> str:
        """What is behind the last slash."""
        return self.key.rpartition("/")[2]

    def below(self, *names: str) -> "S3Url":
        """The key with more names behind it."""
        return S3Url(self.bucket, "/".join(filter(None, (self.key.strip("/"), *names))))


def aws_client(service: str, environ: Mapping[str, str]) -> Any:
    """A client of a service of AWS in the region of these variables; it repeats throttled calls.

    Credentials and endpoints are what every AWS SDK finds.
    """
    region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or None
    config = Config(retries={"mode": "standard", "total_max_attempts": 8})
    session = boto3.session.Session()  # the shared one keeps the credentials that it found first
    return session.client(service, region_name=region, config=config)
