"""A package index on S3: the pages of PEP 503 as objects, which pip reads over HTTP.

Below the index's address each project is a page, `ontem` and `ontem-client`, and its wheels lie
beside it. A wheel is written
once and never again. The page lists what was published, so it is rewritten, but only if nobody did
meanwhile: S3's conditional writes make two publishers take turns.
"""

import hashlib
import html
import re
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from ontem.delivery.errors import IndexRefused, IndexUnknown, OtherWheelThere

TURNS: Final = 20
"""How often a page is read again after somebody else wrote it."""
LINK: Final = re.compile(r'<a href="([^"#]+)#sha256=([0-9a-f]{64})">')
PROJECTS: Final = ("ontem", "ontem-client")
CONFLICTS: Final = ("PreconditionFailed", "ConditionalRequestConflict", "412", "409")


class Publishable(Protocol):
    """A wheel that has been looked into."""

    @property
    def path(self) -> Path:
        """Its file."""

    @property
    def sha256(self) -> str:
        """Of the file."""


class Page(NamedTuple):
    """A page of the index: its tag, empty while there is none, and the sha256 of each wheel."""

    tag: str
    wheels: dict[str, str]

    @property
    def content(self) -> str:
        """The page as PEP 503 wants it."""
        links = "".join(
            f'<a href="{html.escape(name)}#sha256={sha256}">{html.escape(name)}</a><br>\n'
            for name, sha256 in sorted(self.wheels.items())
        )
        return f"<!DOCTYPE html>\n<html><body>\n{links}</body></html>\n"


class Index:
    """The index at an address such as `s3://bucket/simple`."""

    def __init__(self, url: str) -> None:
        try:
            address = urlsplit(url)
        except ValueError:  # such as an open bracket
            address = urlsplit("")
        if address.scheme != "s3" or not address.netloc:
            raise IndexUnknown(url=url, reason="it does not name a bucket of S3")
        self.url, self._bucket = url.rstrip("/"), address.netloc
        self._prefix = f"{address.path.strip('/')}/".lstrip("/")
        config = Config(connect_timeout=10, read_timeout=60, retries={"total_max_attempts": 3})
        try:
            self._client = boto3.Session().client("s3", config=config)
        except (BotoCoreError, ValueError) as error:  # a profile or an endpoint that can't be used
            raise IndexUnknown(url=self.url, reason=str(error)) from None

    def publish(self, wheel: Publishable) -> bool:
        """Whether the index did not have the wheel; the same bytes again change nothing.

        Raises OtherWheelThere, IndexRefused, and IndexUnknown without credentials.
        """
        try:
            is_new = self._put_wheel(wheel)
            self._list(f"{self._prefix}{_project(wheel)}/", wheel)
            self._put_root()
        except ClientError as error:
            said = error.response.get("Error", {})
            if said.get("Code") == "NoSuchBucket":
                raise IndexUnknown(url=self.url, reason="there is no such bucket") from None
            reason = f"{error.operation_name}: {said.get('Code', '')} {said.get('Message', '')}"
            raise IndexRefused(url=self.url, reason=reason.strip()) from None
        except NoCredentialsError as error:
            raise IndexUnknown(url=self.url, reason=str(error)) from None
        except BotoCoreError as error:
            raise IndexRefused(url=self.url, reason=str(error)) from None
        return is_new

    def _put_wheel(self, wheel: Publishable) -> bool:
        name = f"{_project(wheel)}/{wheel.path.name}"
        key, content = f"{self._prefix}{name}", wheel.path.read_bytes()
        if self._put(key, content, "application/zip", IfNoneMatch="*"):
            return True
        there = self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        sha256 = hashlib.sha256(there).hexdigest()
        if sha256 != wheel.sha256:
            raise OtherWheelThere(url=f"{self.url}/{name}", there=sha256, here=wheel.sha256)
        return False

    def _list(self, key: str, wheel: Publishable) -> None:
        for _ in range(TURNS):
            page = self._page(key)
            if page.wheels.get(wheel.path.name) == wheel.sha256:
                return
            page.wheels[wheel.path.name] = wheel.sha256
            condition = {"IfMatch": page.tag} if page.tag else {"IfNoneMatch": "*"}
            if self._put(key, page.content.encode(), "text/html", **condition):
                return
        raise IndexRefused(url=self.url, reason=f"others wrote its page {TURNS} times meanwhile")

    def _page(self, key: str) -> Page:
        # By a listing: S3 refuses a GET of what is not there to a role that may not list its key.
        listed = self._client.list_objects_v2(Bucket=self._bucket, Prefix=key, MaxKeys=1)
        if all(each["Key"] != key for each in listed.get("Contents", [])):
            return Page("", {})
        found = self._client.get_object(Bucket=self._bucket, Key=key)
        return Page(found["ETag"], dict(LINK.findall(found["Body"].read().decode())))

    def _put_root(self) -> None:
        links = "".join(f'<a href="{name}/">{name}</a><br>\n' for name in PROJECTS)
        content = f"<!DOCTYPE html>\n<html><body>\n{links}</body></html>\n"
        self._put(self._prefix or "index.html", content.encode(), "text/html", IfNoneMatch="*")

    def _put(self, key: str, content: bytes, kind: str, **condition: Any) -> bool:
        """Whether it was written; false when the condition does not hold."""
        try:
            self._client.put_object(
                Bucket=self._bucket, Key=key, Body=content, ContentType=kind, **condition
            )
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") in CONFLICTS:
                return False
            raise
        return True


def _project(wheel: Publishable) -> str:
    """The name of a wheel's project as PEP 503 writes it."""
    return wheel.path.name.partition("-")[0].replace("_", "-")
