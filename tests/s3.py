"""An S3 server of the test session, in this process."""

import logging
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from unittest import mock

VARIABLES = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test-secret",
    "AWS_REGION": "sa-east-1",
    "AWS_DEFAULT_REGION": "sa-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@dataclass(frozen=True, slots=True)
class S3Server:
    """A running server, and the variables with which every AWS SDK finds it."""

    endpoint: str

    @property
    def variables(self) -> dict[str, str]:
        return {**VARIABLES, "AWS_ENDPOINT_URL": self.endpoint}

    def client(self) -> Any:
        """A boto3 client of this server."""
        import boto3

        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name=VARIABLES["AWS_REGION"],
            aws_access_key_id=VARIABLES["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=VARIABLES["AWS_SECRET_ACCESS_KEY"],
        )


@contextmanager
def s3_server() -> Iterator[S3Server]:
    """An empty server on a free port of loopback; what is stored is gone at the end."""
    from moto import backends
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.WARNING)  # nobody reads a line for each request
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    # For each request it would list the folder of its own package again.
    modules = tuple(backends.list_of_moto_modules())
    with mock.patch.object(backends, "list_of_moto_modules", return_value=modules):
        server.start()
        host, port = server.get_host_and_port()
        try:
            yield S3Server(f"http://{host}:{port}")
        finally:
            server.stop()


@contextmanager
def a_bucket(s3: S3Server, name: str = "") -> Iterator[str]:
    """The name of an empty bucket; it is removed with all that is in it."""
    client, name = s3.client(), name or f"ontem-{uuid.uuid4().hex}"
    region = {"LocationConstraint": VARIABLES["AWS_REGION"]}
    client.create_bucket(Bucket=name, CreateBucketConfiguration=region)
    try:
        yield name
    finally:
        for upload in client.list_multipart_uploads(Bucket=name).get("Uploads", []):
            with suppress(client.exceptions.NoSuchUpload):
                client.abort_multipart_upload(
                    Bucket=name, Key=upload["Key"], UploadId=upload["UploadId"]
                )
        for key in keys_of(s3, name):
            client.delete_object(Bucket=name, Key=key)
        try:
            client.delete_bucket(Bucket=name)
        except client.exceptions.ClientError as error:
            if error.response["Error"]["Code"] != "BucketNotEmpty" or keys_of(s3, name):
                raise
            # Its server was killed in the middle of an upload, and goes with all it has.


def keys_of(s3: S3Server, bucket: str, prefix: str = "") -> list[str]:
    """All keys of a bucket that begin with `prefix`, sorted."""
    pages = s3.client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return [found["Key"] for page in pages for found in page.get("Contents", [])]
