"""What a submission leaves in the store, below `deploy/`: archives, outcomes and logs."""

import gzip
import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import ClientError

from jobs.emr.archive import Packing, pack
from jobs.emr.aws import aws_errors
from jobs.emr.driver import ENTRY, Outcome
from jobs.emr.errors import StoreNotOnS3
from jobs.emr.objects import S3Url
from jobs.emr.submission import ARCHIVE, ENTRY_FILE
from jobs.job import Say

DEPLOY: Final = "deploy"
THERE: Final = ("412", "PreconditionFailed", "ConditionalRequestConflict")
PLAIN: Final = re.compile(r"s3://[A-Za-z0-9._/-]+")
"""What Java hands on unchanged in an argument, whatever the machine's encoding is."""
LINES: Final = 40
LOGS: Final = ("stdout.gz", "stderr.gz")
"""Of the step. Spark puts the output and the errors of the driver's Python into the first, its own
into the second, in which also is what went wrong before."""
ERROR: Final = re.compile(r"^((?:Caused by: )?[\w.$]*(?:Error|Exception)\w*): .*")
"""A line that ends a traceback: its message may quote an order."""


@dataclass(frozen=True, slots=True)
class Deployments:
    """The folder `deploy/` of the store. Its methods raise EmrRefused and EmrUnavailable."""

    root: S3Url
    client: Any

    @classmethod
    def of(cls, variables: Mapping[str, str], client: Any) -> "Deployments":
        """That of the store that these variables name. Raises StoreNotOnS3."""
        url = variables.get("ONTEM_STORAGE_URL", "")
        if not PLAIN.fullmatch(url):
            raise StoreNotOnS3(url=url)
        return cls(S3Url.of(url).below(DEPLOY), client)

    def package(self, packing: Packing, uv: str, say: Say) -> S3Url:
        """Where the archive and the entry point of the jobs are, packed and sent unless they are.

        Raises PackingFailed.
        """
        url = self.root.below(packing.name)
        archive = url.below(ARCHIVE)
        if self._exists(archive):
            say(f"  {packing.name} is in the store")
            return url
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / ARCHIVE
            say(f"  packing {packing.name}")
            pack(packing, uv, file)
            say(f"  sending {file.stat().st_size / 1e6:,.0f} MB")
            self._write(url.below(ENTRY_FILE), lambda: ENTRY.encode())
            with file.open("rb") as content:
                self._write(archive, lambda: content)  # the last one: who finds it finds both
        return url

    def outcome(self, url: S3Url) -> Outcome | None:
        """How a job ended, if it could say."""
        content = self._read(url)
        return None if content is None else Outcome.from_json(content)

    @property
    def logs(self) -> S3Url:
        """Where EMR brings the logs of all clusters, and whoever submits may read them."""
        return self.root.below("logs")

    def driver_log(self, cluster: str) -> tuple[S3Url, list[str]] | None:
        """A log of a cluster's step and its last lines; None when there is none yet.

        Of errors only the kind is told.
        """
        logs = self.logs.below(cluster, "steps")
        keys = self._keys(logs.bucket, f"{logs.key}/")
        for key in (key for name in LOGS for key in keys if key.endswith(f"/{name}")):
            url = S3Url(logs.bucket, key)
            text = gzip.decompress(self._read(url) or gzip.compress(b"")).decode(errors="replace")
            if text.strip():
                return url, [ERROR.sub(r"\1", line) for line in text.splitlines()[-LINES:]]
        return None

    def _exists(self, url: S3Url) -> bool:
        """Whether there is an object, by a listing.

        To a role that may not list its key S3 answers a HEAD or GET of what is not there with 403,
        which would mean either: no object, or no right.
        """
        return url.key in self._keys(url.bucket, url.key)

    def _read(self, url: S3Url) -> bytes | None:
        if not self._exists(url):
            return None
        with aws_errors("s3:GetObject"):
            found = self.client.get_object(Bucket=url.bucket, Key=url.key)
            return bytes(found["Body"].read())

    def _write(self, url: S3Url, content: Callable[[], Any]) -> None:
        """Write an object, unless it is there: then it is the same one."""
        with aws_errors("s3:PutObject"):
            try:
                bucket, key = url
                self.client.put_object(Bucket=bucket, Key=key, Body=content(), IfNoneMatch="*")
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") not in THERE:
                    raise

    def _keys(self, bucket: str, prefix: str) -> list[str]:
        with aws_errors("s3:ListBucket"):
            pages = self.client.get_paginator("list_objects_v2")
            return [
                found["Key"]
                for page in pages.paginate(Bucket=bucket, Prefix=prefix)
                for found in page.get("Contents", [])
            ]
