"""The package index on S3: a version is written once, and its page loses nothing to a race."""

import hashlib
import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.exit_codes import exit_code
from ontem.delivery.errors import IndexRefused, IndexUnknown, OtherWheelThere
from ontem.delivery.index import Index
from ontem.delivery.wheel import Wheel
from ontem.version import Version
from tests.s3 import VARIABLES, S3Server, a_bucket, keys_of
from tests.s3_policy import obey, policy_file
from tests.s3_proxy import an_s3_proxy


@pytest.fixture
def bucket(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for name, value in s3.variables.items():
        monkeypatch.setenv(name, value)
    with a_bucket(s3) as name:
        yield name


def a_wheel(folder: Path, number: str, content: bytes = b"wheel") -> Wheel:
    path = folder / f"ontem-{number}-py3-none-any.whl"
    path.write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    return Wheel(path, sha256, Version(number, "abc"), (), None)  # type: ignore[arg-type]


def page_of(s3: S3Server, bucket: str) -> str:
    found = s3.client().get_object(Bucket=bucket, Key="simple/ontem/")
    assert found["ContentType"] == "text/html"
    return str(found["Body"].read().decode())


def test_what_is_published_is_on_a_page_that_pip_reads(s3, bucket, tmp_path):
    index = Index(f"s3://{bucket}/simple")

    assert index.publish(a_wheel(tmp_path, "0.1.1"))
    assert index.publish(a_wheel(tmp_path, "0.1.2", b"another"))

    sha256 = hashlib.sha256(b"another").hexdigest()
    page = page_of(s3, bucket)
    assert f'<a href="ontem-0.1.2-py3-none-any.whl#sha256={sha256}">' in page
    assert "ontem-0.1.1-py3-none-any.whl" in page
    assert keys_of(s3, bucket) == [
        "simple/",
        "simple/ontem/",
        "simple/ontem/ontem-0.1.1-py3-none-any.whl",
        "simple/ontem/ontem-0.1.2-py3-none-any.whl",
    ]


def test_the_same_bytes_again_change_nothing(s3, bucket, tmp_path):
    index = Index(f"s3://{bucket}/simple")
    index.publish(a_wheel(tmp_path, "0.1.1"))
    before = page_of(s3, bucket)

    assert not index.publish(a_wheel(tmp_path, "0.1.1"))
    assert page_of(s3, bucket) == before


def test_other_bytes_of_a_version_are_refused_and_what_is_there_stays(s3, bucket, tmp_path):
    index = Index(f"s3://{bucket}/simple")
    index.publish(a_wheel(tmp_path, "0.1.1"))
    before = page_of(s3, bucket)

    with pytest.raises(OtherWheelThere, match="a published version never changes") as refused:
        index.publish(a_wheel(tmp_path, "0.1.1", b"other"))

    assert exit_code(refused.value) == 1
    key = "simple/ontem/ontem-0.1.1-py3-none-any.whl"
    assert s3.client().get_object(Bucket=bucket, Key=key)["Body"].read() == b"wheel"
    assert page_of(s3, bucket) == before


def test_one_that_was_uploaded_and_not_listed_is_listed_by_the_next_try(s3, bucket, tmp_path):
    """As after a publisher that was killed between the two."""
    wheel = a_wheel(tmp_path, "0.1.1")
    key = f"simple/ontem/{wheel.path.name}"
    s3.client().put_object(Bucket=bucket, Key=key, Body=b"wheel")

    assert not Index(f"s3://{bucket}/simple").publish(wheel)
    assert wheel.path.name in page_of(s3, bucket)


def test_two_publishers_at_once_lose_neither(s3, bucket, tmp_path, monkeypatch):
    """The second one writes the page between the first one's reading and writing."""
    first, second = Index(f"s3://{bucket}/simple"), Index(f"s3://{bucket}/simple")
    read, overtakers = first._page, [a_wheel(tmp_path, "0.1.2"), a_wheel(tmp_path, "0.1.3")]

    def overtaken(key: str) -> object:
        page = read(key)
        if overtakers:
            second.publish(overtakers.pop())
        return page

    monkeypatch.setattr(first, "_page", overtaken)
    first.publish(a_wheel(tmp_path, "0.1.1"))

    page = page_of(s3, bucket)
    assert all(f"ontem-0.1.{n}-py3-none-any.whl" in page for n in (1, 2, 3))


def test_a_bucket_that_is_not_there_is_a_sentence_and_a_code_of_its_own(s3, bucket, tmp_path):
    with pytest.raises(IndexUnknown, match=r"there is no such bucket.*set ONTEM_INDEX") as refused:
        Index(f"s3://{bucket}-other/simple").publish(a_wheel(tmp_path, "0.1.1"))

    assert exit_code(refused.value) == 3


def test_credentials_that_are_missing_are_a_sentence_and_a_code_of_its_own(
    s3, bucket, tmp_path, monkeypatch
):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))

    with pytest.raises(IndexUnknown, match="Unable to locate credentials") as refused:
        Index(f"s3://{bucket}/simple").publish(a_wheel(tmp_path, "0.1.1"))

    assert exit_code(refused.value) == 3


def test_an_index_that_denies_is_a_sentence(s3, bucket, tmp_path):
    deny = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:PutObject",
                "Resource": f"arn:aws:s3:::{bucket}/*",
            }
        ],
    }
    s3.client().put_bucket_policy(Bucket=bucket, Policy=json.dumps(deny))

    with pytest.raises(IndexRefused, match=r"PutObject: (?:AccessDenied|403)"):
        Index(f"s3://{bucket}/simple").publish(a_wheel(tmp_path, "0.1.1"))

    s3.client().delete_bucket_policy(Bucket=bucket)


@pytest.mark.parametrize("hides_all", [False, True])
def test_the_first_wheel_of_an_index_needs_no_right_beside_its_role(
    s3, bucket, tmp_path, monkeypatch, hides_all
):
    with an_s3_proxy(s3.endpoint) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
        obey(proxy, policy_file("../publish-role", bucket=bucket, folder="simple"))
        if hides_all:  # whatever is missing looks like a missing right
            proxy.hides = lambda _: True
        index = Index(f"s3://{bucket}/simple")

        assert index.publish(a_wheel(tmp_path, "0.1.1"))
        assert not index.publish(a_wheel(tmp_path, "0.1.1"))

        assert "ontem-0.1.1-py3-none-any.whl" in page_of(s3, bucket)


def test_a_publisher_who_may_not_list_is_told_so(s3, bucket, tmp_path, monkeypatch):
    with an_s3_proxy(s3.endpoint) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
        proxy.fail("403", lambda call: not call.key, times=9)

        with pytest.raises(IndexRefused, match="ListObjectsV2: AccessDenied") as refused:
            Index(f"s3://{bucket}/simple").publish(a_wheel(tmp_path, "0.1.1"))

    assert exit_code(refused.value) == 4


def test_an_index_that_cannot_be_reached_is_a_sentence(tmp_path, monkeypatch):
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")

    with pytest.raises(IndexRefused, match="Could not connect") as refused:
        Index("s3://bucket/simple").publish(a_wheel(tmp_path, "0.1.1"))

    assert exit_code(refused.value) == 4


@pytest.mark.parametrize("url", ["https://example.com/simple", "s3:///simple", "bucket", "s3://[x"])
def test_an_index_of_another_kind_is_a_sentence(url):
    with pytest.raises(IndexUnknown, match=r"does not name a bucket.*such as s3://bucket/simple"):
        Index(url)


@pytest.mark.parametrize(
    ("variable", "value", "reason"),
    [("AWS_ENDPOINT_URL", "127.0.0.1", "Invalid endpoint"), ("AWS_PROFILE", "x", "profile")],
)
def test_a_variable_that_botocore_cannot_use_is_a_sentence(variable, value, reason, monkeypatch):
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv(variable, value)

    with pytest.raises(IndexUnknown, match=f"'s3://bucket/simple' can't be used .*{reason}"):
        Index("s3://bucket/simple")


def test_a_reader_needs_nothing_but_http(s3, bucket, tmp_path):
    allow = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": "*",
                "Action": "s3:GetObject",
                "Resource": f"arn:aws:s3:::{bucket}/*",
            }
        ],
    }
    s3.client().put_bucket_policy(Bucket=bucket, Policy=json.dumps(allow))
    Index(f"s3://{bucket}/simple").publish(a_wheel(tmp_path, "0.1.1"))

    with urllib.request.urlopen(f"{s3.endpoint}/{bucket}/simple/ontem/") as answer:  # noqa: S310  http
        assert b"ontem-0.1.1-py3-none-any.whl" in answer.read()
