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
from jobs.emr.sizes import Machine, Size
from jobs.emr.submission import Submission
from tests.class_archive import COMPILE_BRIEFLY, class_path, executors
from tests.s3 import S3Server

PROJECT = Path(__file__).resolve().parents[2]
UV = str(PROJECT / ".ontem" / "tools" / "bin" / "uv")
OFFLINE = {"UV_OFFLINE": "1"}
"""Set-up has fetched all of it into uv's cache."""
SMALL = Size(Machine(cores=1, memory_mib=2_600), workers=2, parts=2)
AWS = """#!/bin/sh
# aws s3 cp --no-progress s3://bucket/deploy/x/NAME .
[ "$1 $2 $3 $5" = "s3 cp --no-progress ." ] || exit 2
exec ln "{store}/${{4#s3://{bucket}/}}" .
"""
"""Stands in for the program that machines of EMR have."""


def an_archive(folder: Path) -> Path:
    """The archive of this checkout for the Python of this machine, not compressed."""
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=PROJECT, check=True)  # the locked one: uv would look for a newer one
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


def a_thin_archive(folder: Path, packages: Path) -> Path:
    """One with a link to its packages: for what has not to show that they are unpacked."""
    python = sysconfig.get_python_version()
    link = folder / "thin" / "lib" / f"python{python}" / "site-packages"
    link.parent.mkdir(parents=True)
    link.symlink_to(packages)
    (folder / "thin" / "bin").mkdir()
    (folder / "thin" / "bin" / "python").symlink_to(f"{sys.base_prefix}/bin/python{python}")
    (folder / "thin" / "pyvenv.cfg").write_text(f"home = {sys.base_prefix}/bin\n")
    target = folder / "thin.tar.gz"
    with tarfile.open(target, "w:gz") as archive:
        archive.add(folder / "thin", arcname=".")
    return target


@dataclass(frozen=True, slots=True)
class Cluster:
    """A folder in which nothing of the checkout is found, with a Spark of its own as on EMR."""

    folder: Path
    s3: S3Server
    bucket: str

    def install(self) -> None:
        """Spark, its folder of executors, and `aws`."""
        for name in ("spark", "bin", "conf"):
            (self.folder / name).mkdir()
        for entry in Path(pyspark.__file__).parent.iterdir():
            (self.folder / "spark" / entry.name).symlink_to(entry)
        aws = self.folder / "bin" / "aws"
        aws.write_text(AWS.format(store=self.folder / "store", bucket=self.bucket))
        aws.chmod(0o755)

    def send(self, archive: Path) -> None:
        """Put an archive where the next step finds it, in the place of the one before."""
        sent = self.folder / "store" / "deploy" / "x"
        sent.mkdir(parents=True, exist_ok=True)
        (sent / "environment.tar.gz").unlink(missing_ok=True)
        (sent / "environment.tar.gz").hardlink_to(archive)
        (sent / "ontem_job.py").write_text(ENTRY)

    @property
    def unpacked(self) -> Path:
        """The packages of the archive as the step of a night has unpacked them."""
        (packages,) = self.folder.glob(f"step-night/{FOLDER}/lib/python*/site-packages")
        return packages

    @property
    def executors(self) -> list[Path]:
        """The archive as each executor unpacked it."""
        return sorted(self.folder.glob(f"spark/work/app-*/*/{FOLDER}/bin/python"))

    def run(
        self, master: str, words: Sequence[str], variables: Mapping[str, str]
    ) -> tuple["subprocess.CompletedProcess[str]", Outcome]:
        """Run the very words of a step, in a folder of its own; another master is the default."""
        submission = Submission(
            name=f"ontem-{words[0]}",
            words=tuple(words),
            size=SMALL,
            package=S3Url(self.bucket, "deploy/x"),
            outcome=S3Url(self.bucket, f"deploy/outcomes/{words[0]}.json"),
            secrets="ontem/test,/ontem/redis",
            variables=variables,
        )
        # EMR's has its master and its own S3A.
        options = {
            "spark.master": master, "spark.driver.extraClassPath": class_path(), **executors()
        }  # fmt: skip
        (self.folder / "conf" / "spark-defaults.conf").write_text(
            "".join(f"{name} {value}\n" for name, value in options.items())
        )
        names = ("JAVA_HOME", "HOME", "SPARK_SUBMIT_OPTS")
        environ = {name: os.environ[name] for name in names if name in os.environ}
        environ |= {
            **self.s3.variables,
            "PATH": f"{self.folder}/bin:{self.folder}/spark/bin:{os.environ['PATH']}",
            "SPARK_CONF_DIR": str(self.folder / "conf"),
            "SPARK_LAUNCHER_OPTS": COMPILE_BRIEFLY,
            "SPARK_LOCAL_IP": "127.0.0.1",
        }
        step = self.folder / f"step-{words[0]}"
        step.mkdir()
        ended = subprocess.run(
            submission.step_words, cwd=step, env=environ, capture_output=True, text=True,
            timeout=900, check=False,
        )  # fmt: skip
        found = self.s3.client().get_object(Bucket=self.bucket, Key=submission.outcome.key)
        return ended, Outcome.from_json(found["Body"].read())
