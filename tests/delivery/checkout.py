"""A checkout as a job of CircleCI has it: a repository with a model, and all installed."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from features_pkg.definitions.feature_set import FeatureSet
from tests.delivery.circleci import Step
from tests.e2e.a_model import NAME, write_a_model
from tests.e2e.fresh_checkout import environ_of_a_newcomer, fresh_checkout
from tests.model_keys import TRUST
from tests.s3 import S3Server

PROJECT = Path(__file__).resolve().parents[2]
HIDDEN = (".ci", ".circleci", ".gitignore")
NOBODY = {
    "GIT_AUTHOR_NAME": "nobody", "GIT_AUTHOR_EMAIL": "nobody@example.com",
    "GIT_COMMITTER_NAME": "nobody", "GIT_COMMITTER_EMAIL": "nobody@example.com",
    "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1",
}  # fmt: skip
ROLE = {
    "ONTEM_AWS_ROLE": "arn:aws:iam::123456789012:role/ontem-delivery",
    "CIRCLE_OIDC_TOKEN_V2": "a-token",
}
LINTERS = ("ruff", "mypy", "lint-imports")
OF_A_MACHINE = ("AWS_", "CIRCLE", "CI", "KUBE", "DOCKER", "PYTEST_", "MAKE", "ARGS")


@dataclass
class Checkout:
    """The folder, a folder of programs that come first on PATH, and a record of what they did."""

    folder: Path
    programs: Path
    record: Path
    variables: dict[str, str]
    """What a context has, and what is different on this machine."""

    def run(self, step: Step, **others: str) -> "subprocess.CompletedProcess[str]":
        """Run a step as CircleCI does: by a shell that ends at the first error."""
        environ = {
            name: value
            for name, value in environ_of_a_newcomer().items()
            if not name.startswith(OF_A_MACHINE)
        }
        path = f"{self.programs}:{os.environ['PATH']}"
        return subprocess.run(
            ["bash", "-eo", "pipefail", "-c", step.command],
            env={**environ, **NOBODY, "PATH": path, "RECORD": str(self.record),
                 **step.variables, **self.variables, **others},
            cwd=self.folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def stand_in(self, name: str, file: str) -> None:
        """Put a program of this folder on PATH."""
        program, module = self.programs / name, Path(__file__).with_name(file)
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{module}" "$@"\n')
        program.chmod(0o755)


@contextmanager
def a_checkout(folder: Path, features: FeatureSet, s3: S3Server) -> Iterator[Checkout]:
    """Two commits, the second with a model; AWS is that server, and only a role has keys for it.

    The linters do nothing there: they look at this very code beside these tests.
    """
    with fresh_checkout() as made:
        for name in HIDDEN:
            source = PROJECT / name
            (shutil.copytree if source.is_dir() else shutil.copy)(source, made / name)
        for name in LINTERS:
            linter = made / ".venv" / "bin" / name
            linter.write_text("#!/bin/sh\n")
            linter.chmod(0o755)
        _git(made, "init", "-q", "-b", "main")
        _commit(made)
        shipped = made / "features_pkg" / "models" / "shipped"
        write_a_model(shipped / NAME, features)
        (shipped / "current").write_text(f"{NAME}\n")
        _commit(made)
        programs, record = folder / "programs", folder / "record"
        programs.mkdir()
        variables = {
            **ROLE,
            **TRUST,
            "AWS_ENDPOINT_URL": s3.endpoint,
            "AWS_REGION": s3.variables["AWS_REGION"],
            "AWS_DEFAULT_REGION": s3.variables["AWS_REGION"],
        }
        yield Checkout(made, programs, record, variables)


def _commit(folder: Path) -> None:
    _git(folder, "add", "-A")
    _git(folder, "commit", "-q", "-m", "x")


def _git(folder: Path, *words: str) -> None:
    environ: Mapping[str, str] = {**os.environ, **NOBODY}
    subprocess.run(["git", "-C", str(folder), *words], env=environ, check=True)
