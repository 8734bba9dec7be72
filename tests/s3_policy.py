"""The files of deploy/s3, what an AWS policy says of a call to S3, and a server that goes by it."""

import json
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from tests.s3_proxy import S3Call, S3Proxy

FOLDER = Path(__file__).resolve().parents[1] / "deploy" / "s3"
KEY_ARN = "arn:aws:kms:sa-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"

Request = tuple[str, str, str | None]
"""An action, the ARN it is about, and what the call says in `prefix`."""


def policy_file(name: str, *, bucket: str, folder: str) -> Any:
    """A file of deploy/s3 as JSON, with its three words replaced as the page says."""
    text = (FOLDER / f"{name}.json").read_text(encoding="utf-8")
    words = {"BUCKET": bucket, "FOLDER": folder, "KEY_ARN": KEY_ARN}
    return json.loads(re.sub("BUCKET|FOLDER|KEY_ARN", lambda found: words[found[0]], text))


def requests_of(call: S3Call) -> list[Request]:
    """What AWS asks the policies about before it answers a call."""
    return [*_requests_before(call), *_requests_if_missing(call)]


def obey(proxy: S3Proxy, policy: Any) -> None:
    """Let a proxy answer as AWS does to a role that has this policy and no other."""
    proxy.hides = lambda call: not all(allows(policy, each) for each in _requests_if_missing(call))
    proxy.fail(
        "403",
        lambda call: not all(allows(policy, each) for each in _requests_before(call)),
        times=10_000,
    )


def _requests_before(call: S3Call) -> list[Request]:
    bucket = f"arn:aws:s3:::{call.bucket}"
    if not call.key:
        return list(_requests_of_bucket(call, bucket))
    asked: list[Request] = [(_action(call), f"{bucket}/{call.key}", None)]
    if call.copies:
        asked.append(("s3:GetObject", f"arn:aws:s3:::{call.copies.removeprefix('/')}", None))
    return asked


def _requests_if_missing(call: S3Call) -> list[Request]:
    """A key that is not there is a 404 only to those who may list it, else a 403."""
    if not call.key or _action(call) != "s3:GetObject":
        return []
    return [("s3:ListBucket", f"arn:aws:s3:::{call.bucket}", call.key)]


def allows(policy: Any, request: Request) -> bool:
    """Whether a policy of allowing statements allows a request."""
    return any(_applies(statement, request) for statement in policy["Statement"])


def actions_of(policy: Any, service: str = "s3") -> set[str]:
    """The actions of a service that a policy names."""
    named = {action for each in policy["Statement"] for action in _listed(each["Action"])}
    return {action for action in named if action.startswith(f"{service}:")}


def _requests_of_bucket(call: S3Call, bucket: str) -> Iterator[Request]:
    prefix = call.query.get("prefix")
    if "delete" in call.query:
        for key in re.findall(r"<Key>(.*?)</Key>", call.body.decode()):
            yield "s3:DeleteObject", f"{bucket}/{key}", None
    elif call.method in ("GET", "HEAD") and "uploads" in call.query:
        yield "s3:ListBucketMultipartUploads", bucket, prefix
    elif call.method in ("GET", "HEAD") and not call.query.keys() - _LISTING:
        yield "s3:ListBucket", bucket, prefix
    else:
        raise AssertionError(f"no action is known for {call}")


_LISTING = {
    "list-type",
    "encoding-type",
    "prefix",
    "delimiter",
    "max-keys",
    "continuation-token",
    "start-after",
}


def _action(call: S3Call) -> str:
    match call.method, "uploadId" in call.query:
        case "PUT" | "POST", _:
            return "s3:PutObject"
        case "DELETE", True:
            return "s3:AbortMultipartUpload"
        case "DELETE", False:
            return "s3:DeleteObject"
        case "GET", True:
            return "s3:ListMultipartUploadParts"
        case _:
            return "s3:GetObject"


def _applies(statement: Any, request: Request) -> bool:
    action, resource, prefix = request
    assert statement["Effect"] == "Allow"
    conditions = statement.get("Condition", {}).get("StringLike", {})
    prefixes = conditions.get("s3:prefix")
    return (
        action in _listed(statement["Action"])
        and any(fnmatchcase(resource, _literal(each)) for each in _listed(statement["Resource"]))
        and (
            prefixes is None
            or (
                prefix is not None
                and any(fnmatchcase(prefix, _literal(each)) for each in _listed(prefixes))
            )
        )
    )


def _literal(pattern: str) -> str:
    """AWS's pattern for `fnmatch`, to which a bracket means something."""
    return pattern.replace("[", "[[]")


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
