"""`ontem emr submit` on an S3 that goes by the policy of deploy/emr, as AWS does."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jobs.emr.driver import Outcome
from tests.s3 import S3Server
from tests.s3_policy import obey, policy_file
from tests.s3_proxy import S3Proxy, an_s3_proxy
from tests.unit.emr_account import Account, an_account
from tests.unit.emr_stub import CLUSTER


@pytest.fixture
def account(s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    with an_account(s3, tmp_path, monkeypatch) as account:
        yield account


@pytest.fixture
def proxy(s3: S3Server) -> Iterator[S3Proxy]:
    with an_s3_proxy(s3.endpoint) as proxy:
        yield proxy


def submit_policy(account: Account, *without: str) -> Any:
    """The policy of who submits, without some statements."""
    policy = policy_file("../emr/submit-role", bucket=account.bucket, folder="store")
    statements = [each for each in policy["Statement"] if each["Sid"] not in without]
    return {"Statement": statements}


def test_the_first_job_of_a_store_needs_no_other_right(account: Account, proxy: S3Proxy) -> None:
    obey(proxy, submit_policy(account))
    account.put_log("steps/s-1/stdout.gz", "a line of the log")
    account.begins()
    account.ends_as(Outcome(6, "Redis may evict"), "TERMINATED_WITH_ERRORS", "FAILED")

    result = account.submit("night", AWS_ENDPOINT_URL=proxy.endpoint)

    assert result.exit_code == 6, result.output
    assert len(account.packed) == 1
    assert "| a line of the log" in result.output


def test_where_a_missing_object_looks_like_a_missing_right_a_listing_decides(
    account: Account, proxy: S3Proxy
) -> None:
    obey(proxy, submit_policy(account))
    proxy.hides = lambda _: True
    account.begins()
    account.ends_as(None, "TERMINATED_WITH_ERRORS", "FAILED", "STEP_FAILURE", "a step failed")

    result = account.submit("night", AWS_ENDPOINT_URL=proxy.endpoint)

    assert len(account.packed) == 1
    assert "ended as failed and did not say how" in result.output
    assert result.exit_code == 1


def test_without_the_right_to_list_the_sentence_names_it(account: Account, proxy: S3Proxy) -> None:
    obey(proxy, submit_policy(account, "FindWhatIsSent"))

    result = account.submit("night", AWS_ENDPOINT_URL=proxy.endpoint)

    assert result.exit_code == 1
    assert "AWS refuses s3:ListBucket (AccessDenied" in result.output
    assert "grant this right to whoever submits" in result.output
    assert account.packed == []


def test_a_log_that_can_not_be_read_does_not_hide_how_the_job_ended(
    account: Account, proxy: S3Proxy
) -> None:
    proxy.fail("403", lambda call: "/logs/" in call.query.get("prefix", ""), times=9)
    account.begins()
    account.ends_as(Outcome(6, "Redis may evict"), "TERMINATED_WITH_ERRORS", "FAILED")

    result = account.submit("night", AWS_ENDPOINT_URL=proxy.endpoint)

    assert result.exit_code == 6
    assert f"the log of cluster {CLUSTER} can't be read: AWS refuses s3:ListBucket" in result.output
    assert "ontem: Redis may evict" in result.output
