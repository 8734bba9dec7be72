"""An account for `ontem emr submit`: a bucket on the S3 server, and an EMR that answers as told."""

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner, Result

import jobs.emr.submit
from jobs.emr.driver import Outcome
from ontem.cli import main
from tests.s3 import S3Server, a_bucket, keys_of
from tests.unit.emr_stub import ANY, CLUSTER, Emr

ZONE = f"Etc/GMT{datetime.now(UTC).hour - 12:+d}"
"""A time zone in which it is noon, so that no day ends while the tests run."""
TODAY = datetime.now(ZoneInfo(ZONE)).date()
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

    def submit(self, *words: str, **variables: str) -> Result:
        environ = {
            "BUSINESS_TIMEZONE": ZONE,
            "ONTEM_STORAGE_URL": f"s3://{self.bucket}/store",
            "ONTEM_ENTITY_KEY": SECRET,
            "ONTEM_POSTGRES_URL": f"postgresql://ontem:{SECRET}@nowhere/ontem",
        }
        runner = CliRunner(env={**environ, **variables})
        return runner.invoke(main, ["emr", "submit", *words, *OPTIONS])


@contextmanager
def an_account(s3: S3Server, project: Path, patch: pytest.MonkeyPatch) -> Iterator[Account]:
    """An account, with this folder as the project that is submitted; nothing is really packed."""
    (project / ".ontem").mkdir()
    (project / "dist").mkdir()
    (project / "dist" / "ontem-0.1.7-py3-none-any.whl").write_bytes(b"wheel")
    (project / "deploy" / "locks").mkdir(parents=True)
    (project / "deploy" / "locks" / "jobs.lock").write_text("a==1\n")
    patch.chdir(project)
    for name, value in s3.variables.items():
        patch.setenv(name, value)
    with a_bucket(s3) as bucket:
        account = Account(s3, bucket, project)

        def pack(packing: Any, _uv: str, target: Path) -> None:
            account.packed.append(packing.name)
            target.write_bytes(b"archive")

        real = jobs.emr.submit.aws_client

        def aws_client(service: str, environ: Any) -> Any:
            return account.emr.client if service == "emr" else real(service, environ)

        patch.setattr("jobs.emr.deploy.pack", pack)
        patch.setattr(jobs.emr.submit, "aws_client", aws_client)
        yield account
