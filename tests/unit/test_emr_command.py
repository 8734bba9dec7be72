"""`ontem emr submit` on an S3 server, with an EMR that answers as it is told."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import jobs.emr.submit
from jobs.emr.driver import Outcome
from jobs.exit_codes import exit_code
from tests.s3 import S3Server
from tests.unit.emr_account import SECRET, TODAY, Account, an_account
from tests.unit.emr_stub import CLUSTER, OTHER


@pytest.fixture
def account(s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    with an_account(s3, tmp_path, monkeypatch) as account:
        yield account


def test_a_night_is_packed_sent_started_and_done(account: Account) -> None:
    account.begins()
    account.ends_as(Outcome(0), "RUNNING", "COMPLETED")

    result = account.submit("night")

    assert result.exit_code == 0, result.output
    (package,) = account.packed
    assert package.startswith("0.1.7-")
    assert account.keys(package) == [
        f"store/deploy/{package}/environment.tar.gz", f"store/deploy/{package}/ontem_job.py",
    ]  # fmt: skip
    (request,) = account.requests
    assert request["Name"] == f"ontem-night-{TODAY}"
    assert request["LogUri"] == f"s3://{account.bucket}/store/deploy/logs/"
    assert request["Steps"][0]["HadoopJarStep"]["Args"][-3:] == ["night", "--as-of", str(TODAY)]
    assert SECRET not in str(request)
    assert f"ontem-night-{TODAY} is done" in result.output


def test_what_is_in_the_store_is_not_packed_again(account: Account) -> None:
    for _ in range(2):
        account.begins()
        account.ends_as(Outcome(0), "RUNNING", "COMPLETED")
        account.requests.clear()
        assert account.submit("night").exit_code == 0
    assert len(account.packed) == 1

    (account.project / "deploy" / "locks" / "jobs.lock").write_text("a==2\n")
    account.begins()
    account.ends_as(Outcome(0), "RUNNING", "COMPLETED")
    account.requests.clear()
    assert account.submit("night").exit_code == 0
    assert len(set(account.packed)) == 2


def test_another_who_sends_the_same_archive_at_once_does_no_harm(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pack(packing: Any, _uv: str, target: Path) -> None:
        key = f"store/deploy/{packing.name}/environment.tar.gz"
        account.s3.client().put_object(Bucket=account.bucket, Key=key, Body=b"the first one")
        account.packed.append(key)
        target.write_bytes(b"archive")

    monkeypatch.setattr("jobs.emr.deploy.pack", pack)
    account.begins()
    account.ends_as(Outcome(0), "RUNNING", "COMPLETED")

    assert account.submit("night").exit_code == 0
    found = account.s3.client().get_object(Bucket=account.bucket, Key=account.packed[0])
    assert found["Body"].read() == b"the first one"


def test_the_words_of_each_job(account: Account) -> None:
    for words, sent, day in (
        (("night", "--as-of", "2018-06-01"), ["night", "--as-of", "2018-06-01"], "2018-06-01"),
        (
            ("night", "--backfill", "2018-05-01", "2018-06-01"),
            ["night", "--backfill", "2018-05-01", "2018-06-01"],
            "2018-06-01",
        ),
        (
            ("training-set", "--from", "2018-05-01", "--to", "2018-06-02"),
            ["training-set", "--from", "2018-05-01", "--to", "2018-06-02"],
            "2018-06-02",
        ),
        (
            ("retrain", "--to", "2018-06-30"),
            ["retrain", "--from", "2018-01-01", "--to", "2018-06-30"],
            "2018-06-30",
        ),
        (
            ("retrain", "--to", "2018-06-30", "--sample", "1,000,000"),
            ["retrain", "--from", "2018-01-01", "--to", "2018-06-30", "--sample", "1000000"],
            "2018-06-30",
        ),
    ):
        account.requests.clear()
        account.begins()
        account.ends_as(Outcome(0), "RUNNING", "COMPLETED")
        assert account.submit(*words).exit_code == 0
        step = account.requests[0]["Steps"][0]
        assert step["HadoopJarStep"]["Args"][-len(sent) :] == sent
        assert step["Name"] == f"ontem-{sent[0]}-{day}"
        assert date.fromisoformat(day)


def test_a_job_that_fails_comes_back_with_its_code_its_sentence_and_its_log(
    account: Account,
) -> None:
    account.put_log("steps/s-1/stderr.gz", "of Spark")
    lines = "".join(f"line {number}\n" for number in range(100))
    account.put_log("steps/s-1/stdout.gz", f"{lines}ValueError: 'ana@example.com' is odd\n")
    account.begins()
    refused = Outcome(5, "not everything from before 2018-06-01 is stored yet")
    account.ends_as(refused, "TERMINATED_WITH_ERRORS", "FAILED", "STEP_FAILURE", "a step failed")

    result = account.submit("night")

    assert result.exit_code == 5
    assert "ontem: not everything from before 2018-06-01 is stored yet\n" in result.output
    assert "| line 99\n" in result.output
    assert "| line 10\n" not in result.output
    assert "| ValueError\n" in result.output
    assert "of Spark" not in result.output


@pytest.mark.parametrize(
    ("state", "code", "sentence"),
    [
        (
            ("TERMINATED_WITH_ERRORS", "FAILED", "STEP_FAILURE", "a step failed"),
            1,
            "the job on cluster j-OURS ended as failed and did not say how",
        ),
        (
            ("TERMINATED_WITH_ERRORS", "CANCELLED", "VALIDATION_ERROR", "the role is invalid"),
            1,
            "ended before the job began (VALIDATION_ERROR: the role is invalid): put that right",
        ),
        (
            ("TERMINATED_WITH_ERRORS", "PENDING", "BOOTSTRAP_FAILURE", "provisioning failed"),
            1,
            "ended before the job began (BOOTSTRAP_FAILURE: provisioning failed): put that right",
        ),
        (
            ("TERMINATED_WITH_ERRORS", "CANCELLED", "INTERNAL_ERROR", "no capacity in subnet-1"),
            4,
            "ended before the job did (INTERNAL_ERROR: no capacity in subnet-1), which can pass",
        ),
        (
            ("TERMINATED_WITH_ERRORS", "FAILED", "INSTANCE_FAILURE", "the primary node is gone"),
            4,
            "ended before the job did (INSTANCE_FAILURE: the primary node is gone), which can pass",
        ),
        (
            ("TERMINATED", "CANCELLED", "USER_REQUEST", "Terminated by user request"),
            130,
            "somebody ended cluster j-OURS while the job ran (USER_REQUEST: Terminated by user",
        ),
    ],
)
def test_a_job_that_can_not_say_how_it_ended(
    account: Account,
    state: tuple[str, ...],
    code: int,
    sentence: str,
) -> None:
    account.put_log("steps/s-1/stdout.gz", "\n")
    account.put_log("steps/s-1/stderr.gz", "bash: line 3: aws: command not found")
    account.begins()
    account.ends_as(None, *state)

    result = account.submit("night")

    assert result.exit_code == code
    assert sentence in result.output
    assert "| bash: line 3: aws: command not found" in result.output


def test_a_job_of_the_same_day_is_refused(account: Account) -> None:
    account.emr.active((f"ontem-night-{TODAY}", OTHER, 1))
    account.emr.does(OTHER, ["bash"])

    result = account.submit("night")

    assert result.exit_code == 5
    assert f"ontem-night-{TODAY} is at work already: cluster {OTHER}" in result.output


def test_a_command_that_lost_its_cluster_follows_it_when_it_is_run_again(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.emr.follow.UNANSWERED_POLLS", 0)
    account.begins()
    account.emr.refuses("describe_cluster", "ServiceUnavailable", "the network is away")
    lost = account.submit("night")
    assert (lost.exit_code, len(account.requests)) == (4, 1), lost.output

    account.emr.active((f"ontem-night-{TODAY}", CLUSTER, 1))
    account.emr.does(CLUSTER, account.requests[0]["Steps"][0]["HadoopJarStep"]["Args"])
    account.ends_as(Outcome(6, "Redis may evict"), "TERMINATED_WITH_ERRORS", "FAILED")
    again = account.submit("night")

    assert (again.exit_code, len(account.requests)) == (6, 1), again.output
    assert f"cluster {CLUSTER} does ontem-night-{TODAY} already" in again.output
    assert "ontem: Redis may evict" in again.output


def test_without_the_right_to_look_nothing_is_started(account: Account) -> None:
    account.emr.refuses("list_clusters", "AccessDeniedException", "not authorized")

    result = account.submit("night")

    assert result.exit_code == 1
    assert "AWS refuses elasticmapreduce:ListClusters" in result.output
    assert account.requests == []


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"ONTEM_STORAGE_URL": "file:///here"}, "EMR needs a bucket such as s3://bucket/folder"),
        ({"ONTEM_STORAGE_URL": "s3://bucket/João"}, "with ASCII letters"),
        ({"ONTEM_STORAGE_URL": ""}, "ONTEM_STORAGE_URL is not set"),
        (
            {"ONTEM_STORAGE_URL": "s3://no-such-bucket/store"},
            "AWS refuses s3:ListBucket (NoSuchBucket",
        ),
    ],
)
def test_a_store_that_a_cluster_can_not_reach_is_refused(
    account: Account, variables: dict[str, str], sentence: str
) -> None:
    result = account.submit("night", **variables)

    assert result.exit_code == 1
    assert sentence in result.output


def test_a_folder_without_just_one_wheel_is_refused(account: Account) -> None:
    (account.project / "dist" / "ontem-0.1.8-py3-none-any.whl").write_bytes(b"another")

    result = account.submit("night")

    assert result.exit_code == 1
    assert "dist has 2 wheels of Ontem: build one with `make package`" in result.output
    assert exit_code(jobs.emr.submit.WheelNotNamed(folder="dist", count=0)) == 1
