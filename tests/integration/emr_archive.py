"""The archive for EMR, and a stand-in for a cluster: spark-submit as EMR's step calls it."""

import os
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyspark
import pytest

from jobs.emr.archive import FOLDER, Packing, pack
from jobs.emr.driver import ENTRY, Outcome
from jobs.emr.objects import S3Url
from jobs.emr.sizes import MACHINES, size_for
from jobs.emr.submission import Submission
from tests.s3 import S3Server

PROJECT = Path(__file__).resolve().parents[2]
UV = str(PROJECT / ".ontem" / "tools" / "bin" / "uv")
OFFLINE = {"UV_OFFLINE": "1"}
"""Set-up has fetched all of it into uv's cache."""
JARS = f"{PROJECT}/.ontem/jars/*"
SMALL = {
    "spark.driver.cores": "1",
    "spark.driver.memory": "768m",
    "spark.driver.memoryOverhead": "384m",
    "spark.executor.cores": "1",
    "spark.executor.memory": "768m",
    "spark.executor.memoryOverhead": "384m",
    "spark.sql.shuffle.partitions": "2",
    # EMR's own S3A
    "spark.driver.extraClassPath": JARS,
    "spark.executor.extraClassPath": JARS,
}


def an_archive(folder: Path) -> Path:
    """The archive of this checkout for the Python of this machine, not compressed."""
    build = [UV, "build", "-q", "--wheel", "-o", str(folder), str(PROJECT)]
    subprocess.run(build, env={**os.environ, **OFFLINE}, check=True)
    (wheel,) = folder.glob("*.whl")
    python = sysconfig.get_python_version()
    packing = Packing(
        wheel=wheel,
        lock=PROJECT / "deploy" / "locks" / "jobs.lock",
        python=python,
        interpreter=f"{sys.base_prefix}/bin/python{python}",
        platform=None,
    )
    target = folder / "environment.tar.gz"
    with pytest.MonkeyPatch.context() as patch:
        for name, value in OFFLINE.items():
            patch.setenv(name, value)
        pack(packing, UV, target, compression=0)
    return target


@dataclass(frozen=True, slots=True)
class Cluster:
    """A folder in which nothing of the checkout is found, with a Spark of its own as on EMR."""

    folder: Path
    archive: Path
    s3: S3Server
    bucket: str

    def unpack(self) -> None:
        """As YARN unpacks the archive beside the driver."""
        with tarfile.open(self.archive) as archive:
            archive.extractall(self.folder / FOLDER, filter="fully_trusted")  # noqa: S202
        (self.folder / "ontem_job.py").write_text(ENTRY)
        (self.folder / "spark").mkdir()
        for entry in Path(pyspark.__file__).parent.iterdir():
            (self.folder / "spark" / entry.name).symlink_to(entry)

    @property
    def executors(self) -> list[Path]:
        """The archive as each executor unpacked it."""
        return sorted(self.folder.glob(f"spark/work/app-*/*/{FOLDER}/bin/python"))

    def submission(self, words: Sequence[str], variables: Mapping[str, str]) -> Submission:
        """What is sent for a job."""
        return Submission(
            name=f"ontem-{words[0]}",
            words=tuple(words),
            size=size_for(words[0], 1_000_000, MACHINES["r6i.xlarge"]),
            package=S3Url(self.bucket, "deploy/x"),
            outcome=S3Url(self.bucket, f"deploy/runs/{words[0]}.json"),
            secrets="ontem/test,/ontem/redis",
            variables=variables,
        )

    def run(
        self, master: str, words: Sequence[str], variables: Mapping[str, str]
    ) -> tuple["subprocess.CompletedProcess[str]", Outcome]:
        """Run the very command line of a step on another master, with local files."""
        submission = self.submission(words, variables)
        line = [
            word.replace(f"{submission.package}/environment.tar.gz", self.archive.as_uri()).replace(
                f"{submission.package}/ontem_job.py", "ontem_job.py"
            )
            for word in submission.spark_submit
        ]
        line[line.index("cluster")] = "client"
        conf = [word for each in SMALL.items() for word in ("--conf", "=".join(each))]
        entry = line.index("ontem_job.py")
        line = [f"spark/bin/{line[0]}", "--master", master, *line[1:entry], *conf, *line[entry:]]
        environ = {
            name: os.environ[name]
            for name in ("JAVA_HOME", "PATH", "HOME", "SPARK_SUBMIT_OPTS")
            if name in os.environ
        }
        environ |= {**self.s3.variables, "SPARK_LOCAL_IP": "127.0.0.1"}
        ended = subprocess.run(
            line, cwd=self.folder, env=environ, capture_output=True, text=True, timeout=900,
            check=False,
        )  # fmt: skip
        client = self.s3.client()
        found = client.get_object(Bucket=self.bucket, Key=submission.outcome.key)["Body"].read()
        return ended, Outcome.from_json(found)
