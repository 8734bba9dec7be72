"""A checkout whose models are proposed to a GitHub of the tests."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from click.testing import CliRunner, Result

from ontem.cli import main
from stores.offline.files import open_files
from stores.offline.models import StoredModels
from tests.e2e.a_model import copy_as
from tests.model_keys import TRUST
from tests.offline import NoS3
from tests.unit.github_server import TOKEN, FakeGitHub, a_github
from tests.unit.trained_models import manifest_of

SHIPPED = "features_pkg/models/shipped"


@dataclass
class Checkout:
    """A clone of a repository of GitHub, whose `origin` can't be pushed to, and a store."""

    project: Path
    remote: Path
    stored: StoredModels
    github: FakeGitHub
    trained_model: Path

    def git(self, *words: str, of: Path | None = None) -> str:
        done = subprocess.run(
            ["git", "-c", "user.name=t", "-c", "user.email=t@t", *words],
            cwd=of or self.project, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout.strip()

    def add(self, name: str, days: int = 0) -> Path:
        """Store a model of a training set that was built so many days later."""
        built_at = manifest_of(self.trained_model).training_set_built_at + timedelta(days=days)
        copy_as(self.trained_model, Path(self.stored.location(name)), name, built_at)
        return Path(self.stored.location(name))

    def merge(self, branch: str) -> None:
        """What people do on GitHub; this clone does not know of it yet."""
        self.git("update-ref", "refs/heads/main", f"refs/heads/{branch}", of=self.remote)

    def branches(self) -> dict[str, str]:
        lines = self.git("for-each-ref", "--format=%(refname:short) %(objectname)", of=self.remote)
        return dict(line.split() for line in lines.splitlines())  # type: ignore[misc]

    def files_of(self, branch: str) -> dict[str, bytes]:
        """What the commits of a branch changed, by path."""
        names = self.git("diff", "--name-only", "main", branch, of=self.remote).splitlines()
        show = ["git", "cat-file", "blob"]
        return {
            name: subprocess.run(
                [*show, f"{branch}:{name}"], cwd=self.remote, capture_output=True, check=True
            ).stdout
            for name in names
        }


@contextmanager
def a_checkout(trained_model: Path, folder: Path) -> Iterator[Checkout]:
    remote, project = folder / "remote.git", folder / "project"
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", remote], check=True)
    subprocess.run(["git", "clone", "-q", remote, project], check=True, capture_output=True)
    stored = StoredModels(open_files((folder / "storage").as_uri(), NoS3()))
    with a_github() as github:
        made = Checkout(project, remote, stored, github, trained_model)
        (project / SHIPPED).mkdir(parents=True)
        (project / SHIPPED / ".gitkeep").touch()
        (project / "pyproject.toml").touch()
        made.git("checkout", "-q", "-B", "main")
        made.git("add", ".")
        made.git("commit", "-q", "-m", "a checkout")
        made.git("push", "-q", "origin", "main")
        made.git("remote", "set-url", "origin", "ssh://git@127.0.0.1:1/loja/ontem.git")
        github.repository = remote
        yield made


def run_propose(checkout: Checkout, *words: str, **changes: str) -> Result:
    """`ontem models propose` with those words and variables."""
    environ = {
        "ONTEM_STORAGE_URL": checkout.stored.files.url,
        "GITHUB_API_URL": checkout.github.url,
        "GITHUB_TOKEN": TOKEN,
        "CIRCLE_PROJECT_USERNAME": "loja",
        "CIRCLE_PROJECT_REPONAME": "ontem",
        **TRUST,
    }
    return CliRunner(env=environ | changes).invoke(main, ["models", "propose", *words])
