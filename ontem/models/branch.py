"""A branch with one more shipped model, made beside the checkout and pushed to GitHub."""

from __future__ import annotations

import base64
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from features_pkg.models.bundle import WRITE_ORDER
from features_pkg.models.manifest import MANIFEST, ModelManifest, OtherLayout, decode_manifest
from features_pkg.models.shipped_models import CURRENT
from ontem.models.errors import BranchTaken
from ontem.models.git import Git, Settings

SHIPPED_PATH: Final = "features_pkg/models/shipped"
NO_SUCH_REF: Final = 2
REMOTE: Final = "ontem-models://repository"
"""Stands for the repository's URL, so that no `url.….insteadOf` of this machine can change that."""
OURS: Final[Settings] = (
    ("user.name", "Ontem"),
    ("user.email", "ontem@localhost"),
    ("commit.gpgsign", "false"),
    ("core.hooksPath", "/dev/null"),
    ("core.autocrlf", "false"),
)


@dataclass(frozen=True, slots=True)
class ModelBranch:
    """The branch that changes are merged into, of a repository that a checkout is of.

    `git` works in the checkout, whose working tree is never touched, and knows the repository as
    REMOTE: remotes of the checkout are not asked.
    """

    git: Git
    repository: str
    base: str = "main"

    def fetch_base(self) -> str:
        """The commit of the base branch at the repository by now."""
        return self._fetch(self.base)

    def current_model(self, commit: str) -> ModelManifest | None:
        """The manifest of the model that is current in a commit.

        None without one, and where another version of Ontem trained it: that one can't serve.
        """
        name = self._show(commit, f"{SHIPPED_PATH}/{CURRENT}").decode(errors="replace").strip()
        content = self._show(commit, f"{SHIPPED_PATH}/{name}/{MANIFEST}") if name else b""
        try:
            return decode_manifest(Path(name), content) if content else None
        except OtherLayout:
            return None

    def ships(self, commit: str, name: str) -> bool:
        """Whether a model of that name ships in a commit."""
        return bool(self._show(commit, f"{SHIPPED_PATH}/{name}/{MANIFEST}"))

    def has(self, branch: str, name: str, folder: Path) -> bool:
        """Whether the repository has the branch, with the model in `folder`.

        Raises BranchTaken when the branch has something else.
        """
        head = f"refs/heads/{branch}"
        found = self.git.run("ls-remote", "--exit-code", "--heads", REMOTE, head)
        if found.returncode == NO_SUCH_REF:
            return False
        self.git.checked(found, "ls-remote")
        commit = self._fetch(branch)
        for file in WRITE_ORDER:
            if self._show(commit, f"{SHIPPED_PATH}/{name}/{file}") != (folder / file).read_bytes():
                raise BranchTaken(branch=branch, repository=self.repository)
        return True

    def push(self, branch: str, commit: str, name: str, folder: Path) -> None:
        """Push the branch: `commit`, and in one more the model, which is current there."""
        with tempfile.TemporaryDirectory(prefix="ontem-") as scratch:
            tree = Path(scratch) / "tree"
            self.git.text("worktree", "add", "--quiet", "--detach", str(tree), commit)
            try:
                shipped = tree / SHIPPED_PATH
                shutil.copytree(folder, shipped / name)
                (shipped / CURRENT).write_text(f"{name}\n", encoding="utf-8")
                self.git.text("add", "--force", "--", SHIPPED_PATH, folder=tree)
                message = f"Serve the model {name}"
                self.git.text("commit", "--quiet", "--message", message, folder=tree)
                target = f"HEAD:refs/heads/{branch}"
                self.git.text("push", "--quiet", REMOTE, target, folder=tree)
            finally:
                self.git.run("worktree", "remove", "--force", str(tree))
                self.git.run("worktree", "prune")

    def _fetch(self, branch: str) -> str:
        self.git.text("fetch", "--quiet", REMOTE, f"refs/heads/{branch}")
        return self.git.text("rev-parse", "FETCH_HEAD").strip()

    def _show(self, commit: str, path: str) -> bytes:
        """The content of a file in a commit; empty when it has no such file."""
        if not self.git.text("ls-tree", commit, "--", path):
            return b""
        return self.git.checked(self.git.run("cat-file", "blob", f"{commit}:{path}"), "cat-file")


def git_of(project: Path, url: str, token: str) -> Git:
    """Git in a checkout, which reaches `url` as REMOTE, by the token and by nothing else.

    Neither rewritten addresses nor credentials of this machine count, and no other host gets it.
    """
    secret = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    settings: Settings = (
        (f"url.{url}.insteadOf", REMOTE),
        (f"url.{url}.pushInsteadOf", REMOTE),
        (f"http.{url}.extraHeader", ""),  # forgets those that others have set
        (f"http.{url}.extraHeader", f"Authorization: Basic {secret}"),
        (f"http.{url}.followRedirects", "false"),
        ("credential.helper", ""),
        ("core.askPass", ""),
    )
    return Git(project, OURS + settings)


def origin_url(project: Path) -> str:
    """The URL of the remote `origin` of a checkout."""
    return Git(project).text("remote", "get-url", "origin").strip()
