"""`ontem emr submit` on an S3 server, with an EMR that answers as it is told."""

import gzip
from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner, Result

import jobs.emr.submit
from jobs.emr.driver import Outcome
from jobs.exit_codes import exit_code
from ontem.cli import main
from tests.s3 import S3Server, a_bucket, keys_of
from tests.unit.emr_stub import ANY, CLUSTER, OTHER, Emr

TODAY = datetime.now(ZoneInfo("America/Sao_Paulo")).date()
OPTIONS = (
    "--service-role", "EMR_Service", "--instance-profile", "EMR_Machines", "--subnet", "subnet-1",
    "--secrets", "prod/ontem", "--orders", "1000000",
)  # fmt: skip
SECRET = "0f" * 32


class Account:
    """A bucket, an EMR, and a project with a wheel in it."""

    def __init__(self, s3: S3Server, bucket: str, project: Path) -> None:
        self.s3, self.bucket, self.project, self.emr = s3, bucket, project, Emr()
        self.packed: list[str] = []
        self.requests: list[dict[str, Any]] = []
        self.emr.client.meta.events.register(
            "provide-client-params.emr.RunJobFlow",
            lambda params, **_: self.requests.append(params),
        )

    def keys(self, folder: str) -> list[str]:
        return keys_of(self.s3, self.bucket, f"store/deploy/{folder}")

    def begins(self) -> None:
        self.emr.active()
        self.emr.stub.add_response(
            "run_job_flow", {"JobFlowId": CLUSTER},
            dict.fromkeys((
                "Name", "ReleaseLabel", "Applications", "LogUri", "ServiceRole", "JobFlowRole",
                "VisibleToAllUsers", "Tags", "Instances", "Steps",
            ), ANY),
        )  # fmt: skip
        self.emr.active()

    def ends_as(self, outcome: Outcome | None, *state: str) -> None:
        """The job writes how it ended, and then EMR says its state."""
        if outcome is not None:
            self.emr.client.meta.events.register(
                "provide-client-params.emr.DescribeCluster", lambda **_: self._write(outcome)
            )
        self.emr.is_at(*state)

    def _write(self, outcome: Outcome) -> None:
        words = self.requests[0]["Steps"][0]["HadoopJarStep"]["Args"]
        key = words[words.index("--outcome") + 1].removeprefix(f"s3://{self.bucket}/")
        self.s3.client().put_object(Bucket=self.bucket, Key=key, Body=outcome.to_json())

    def put_log(self, key: str, text: str) -> None:
        self.s3.client().put_object(
            Bucket=self.bucket, Key=f"store/deploy/logs/{CLUSTER}/{key}",
            Body=gzip.compress(text.encode()),
        )  # fmt: skip


@pytest.fixture
def account(s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    (tmp_path / ".ontem").mkdir()
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "ontem-0.1.7-py3-none-any.whl").write_bytes(b"wheel")
    (tmp_path / "deploy" / "locks").mkdir(parents=True)
    (tmp_path / "deploy" / "locks" / "jobs.lock").write_text("a==1\n")
    monkeypatch.chdir(tmp_path)
    for name, value in s3.variables.items():
        monkeypatch.setenv(name, value)
    with a_bucket(s3) as bucket:
        account = Account(s3, bucket, tmp_path)

        def pack(packing: Any, _uv: str, target: Path) -> None:
            account.packed.append(packing.name)
            target.write_bytes(b"archive")

        real = jobs.emr.submit.aws_client

        def aws_client(service: str, environ: Any) -> Any:
            return account.emr.client if service == "emr" else real(service, environ)

        monkeypatch.setattr("jobs.emr.deploy.pack", pack)
        monkeypatch.setattr(jobs.emr.submit, "aws_client", aws_client)
        yield account


@pytest.fixture
def submit(account: Account) -> Callable[..., Result]:
    environ = {
        "ONTEM_STORAGE_URL": f"s3://{account.bucket}/store",
        "ONTEM_ENTITY_KEY": SECRET,
        "ONTEM_POSTGRES_URL": f"postgresql://ontem:{SECRET}@nowhere/ontem",
    }

    def run(*words: str, **variables: str) -> Result:
        runner = CliRunner(env={**environ, **variables})
        return runner.invoke(main, ["emr", "submit", *words, *OPTIONS])

    return run


def test_a_night_is_packed_sent_started_and_done(
    account: Account, submit: Callable[..., Result]
) -> None:
    account.begins()
    account.ends_as(Outcome(0), "RUNNING", "COMPLETED")

    result = submit("night")

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


def test_what_is_in_the_store_is_not_packed_again(
    account: Account, submit: Callable[..., Result]
) -> None:
    for _ in range(2):
        account.begins()
        account.ends_as(Outcome(0), "RUNNING", "COMPLETED")
        account.requests.clear()
        assert submit("night").exit_code == 0
    assert len(account.packed) == 1

    (account.project / "deploy" / "locks" / "jobs.lock").write_text("a==2\n")
    account.begins()
    account.ends_as(Outcome(0), "RUNNING", "COMPLETED")
    account.requests.clear()
    assert submit("night").exit_code == 0
    assert len(set(account.packed)) == 2


def test_another_who_sends_the_same_archive_at_once_does_no_harm(
    account: Account, submit: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    def pack(packing: Any, _uv: str, target: Path) -> None:
        key = f"store/deploy/{packing.name}/environment.tar.gz"
        account.s3.client().put_object(Bucket=account.bucket, Key=key, Body=b"the first one")
        account.packed.append(key)
        target.write_bytes(b"archive")

    monkeypatch.setattr("jobs.emr.deploy.pack", pack)
    account.begins()
    account.ends_as(Outcome(0), "RUNNING", "COMPLETED")

    assert submit("night").exit_code == 0
    found = account.s3.client().get_object(Bucket=account.bucket, Key=account.packed[0])
    assert found["Body"].read() == b"the first one"


def test_the_words_of_each_job(account: Account, submit: Callable[..., Result]) -> None:
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
    ):
        account.requests.clear()
        account.begins()
        account.ends_as(Outcome(0), "RUNNING", "COMPLETED")
        assert submit(*words).exit_code == 0
        step = account.requests[0]["Steps"][0]
        assert step["HadoopJarStep"]["Args"][-len(sent) :] == sent
        assert step["Name"] == f"ontem-{sent[0]}-{day}"
        assert date.fromisoformat(day)


def test_a_job_that_fails_comes_back_with_its_code_its_sentence_and_its_log(
    account: Account, submit: Callable[..., Result]
) -> None:
    account.put_log("steps/s-1/stderr.gz", "of Spark")
    lines = "".join(f"line {number}\n" for number in range(100))
    account.put_log("steps/s-1/stdout.gz", f"{lines}ValueError: 'ana@example.com' is odd\n")
    account.begins()
    refused = Outcome(5, "not everything from before 2018-06-01 is stored yet")
    account.ends_as(refused, "TERMINATED_WITH_ERRORS", "FAILED", "STEP_FAILURE", "a step failed")

    result = submit("night")

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
            ("TERMINATED_WITH_ERRORS", "CANCELLED", "VALIDATION_ERROR", "no capacity in subnet-1"),
            4,
            "ended before the job began (VALIDATION_ERROR: no capacity in subnet-1)",
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
    submit: Callable[..., Result],
    state: tuple[str, ...],
    code: int,
    sentence: str,
) -> None:
    account.put_log("steps/s-1/stdout.gz", "\n")
    account.put_log("steps/s-1/stderr.gz", "bash: line 3: aws: command not found")
    account.begins()
    account.ends_as(None, *state)

    result = submit("night")

    assert result.exit_code == code
    assert sentence in result.output
    assert "| bash: line 3: aws: command not found" in result.output


def test_a_job_of_the_same_day_is_refused(account: Account, submit: Callable[..., Result]) -> None:
    account.emr.active((f"ontem-night-{TODAY}", OTHER, 1))

    result = submit("night")

    assert result.exit_code == 5
    assert f"ontem-night-{TODAY} is at work already: cluster {OTHER}" in result.output


def test_without_the_right_to_look_nothing_is_started(
    account: Account, submit: Callable[..., Result]
) -> None:
    account.emr.refuses("list_clusters", "AccessDeniedException", "not authorized")

    result = submit("night")

    assert result.exit_code == 1
    assert "AWS refuses elasticmapreduce:ListClusters" in result.output
    assert account.requests == []


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"ONTEM_STORAGE_URL": "file:///here"}, "EMR needs a bucket such as s3://bucket/folder"),
        ({"ONTEM_STORAGE_URL": "s3://bucket/João"}, "with ASCII letters"),
        ({"ONTEM_STORAGE_URL": ""}, "ONTEM_STORAGE_URL is not set"),
        ({"ONTEM_STORAGE_URL": "s3://no-such-bucket/store"}, "AWS refuses s3:PutObject"),
    ],
)
def test_a_store_that_a_cluster_can_not_reach_is_refused(
    submit: Callable[..., Result], variables: dict[str, str], sentence: str
) -> None:
    result = submit("night", **variables)

    assert result.exit_code == 1
    assert sentence in result.output


def test_a_folder_without_just_one_wheel_is_refused(
    account: Account, submit: Callable[..., Result]
) -> None:
    (account.project / "dist" / "ontem-0.1.8-py3-none-any.whl").write_bytes(b"another")

    result = submit("night")

    assert result.exit_code == 1
    assert "dist has 2 wheels of Ontem: build one with `make package`" in result.output
    assert exit_code(jobs.emr.submit.WheelNotNamed(folder="dist", count=0)) == 1
