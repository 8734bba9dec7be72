"""A branch with one more shipped model, made beside the checkout and pushed."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from features_pkg.models.bundle import WRITE_ORDER
from features_pkg.models.manifest import MANIFEST, ModelManifest, decode_manifest
from features_pkg.models.shipped_models import CURRENT
from ontem.models.errors import BranchTaken, GitFailed, RemoteUnknown

SHIPPED_PATH: Final = "features_pkg/models/shipped"
TIMEOUT_SECONDS: Final = 300
NO_SUCH_REF: Final = 2
NOT_THERE: Final = ("not a git repository", "No such remote", "couldn't find remote ref")
"""What git says, in the language C, where trying again would not help."""
OURS: Final = (
    "-c", "user.name=Ontem", "-c", "user.email=ontem@localhost",
    "-c", "commit.gpgsign=false", "-c", "core.hooksPath=/dev/null", "-c", "core.autocrlf=false",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ModelBranch:
    """The repository of a checkout, its remote, and the branch that changes are merged into.

    The working tree of the checkout is never touched. A token is sent to a remote with https only.
    """

    project: Path
    base: str = "main"
    remote: str = "origin"
    token: str = field(default="", repr=False)

    def remote_url(self) -> str:
        """The URL of the remote. Raises GitFailed, RemoteUnknown."""
        return self._git("remote", "get-url", self.remote).strip()

    def fetch_base(self) -> str:
        """The commit of the base branch at the remote by now. Raises GitFailed, RemoteUnknown."""
        return self._fetch(self.base)

    def current_model(self, commit: str) -> ModelManifest | None:
        """The manifest of the model that is current in a commit; None without one."""
        name = self._show(commit, f"{SHIPPED_PATH}/{CURRENT}").decode(errors="replace").strip()
        content = self._show(commit, f"{SHIPPED_PATH}/{name}/{MANIFEST}") if name else b""
        return decode_manifest(Path(name), content) if content else None

    def ships(self, commit: str, name: str) -> bool:
        """Whether a model of that name ships in a commit."""
        return bool(self._show(commit, f"{SHIPPED_PATH}/{name}/{MANIFEST}"))

    def has(self, branch: str, name: str, folder: Path) -> bool:
        """Whether the remote has the branch, with the model in `folder`.

        Raises GitFailed, and BranchTaken when the branch has something else.
        """
        head = f"refs/heads/{branch}"
        found = self._run("ls-remote", "--exit-code", "--heads", self.remote, head)
        if found.returncode == NO_SUCH_REF:
            return False
        self._checked(found, "ls-remote")
        commit = self._fetch(branch)
        for file in WRITE_ORDER:
            if self._show(commit, f"{SHIPPED_PATH}/{name}/{file}") != (folder / file).read_bytes():
                raise BranchTaken(branch=branch, remote=self.remote)
        return True

    def push(self, branch: str, commit: str, name: str, folder: Path) -> None:
        """Push the branch: `commit`, and in one more the model, which is current there.

        Raises GitFailed.
        """
        with tempfile.TemporaryDirectory(prefix="ontem-") as scratch:
            tree = Path(scratch) / "tree"
            self._git("worktree", "add", "--quiet", "--detach", str(tree), commit)
            try:
                shipped = tree / SHIPPED_PATH
                shutil.copytree(folder, shipped / name)
                (shipped / CURRENT).write_text(f"{name}\n", encoding="utf-8")
                self._git("add", "--force", "--", SHIPPED_PATH, folder=tree)
                message = f"Serve the model {name}"
                self._git(*OURS, "commit", "--quiet", "--message", message, folder=tree)
                target = f"HEAD:refs/heads/{branch}"
                self._git(*OURS, "push", "--quiet", self.remote, target, folder=tree)
            finally:
                self._run("worktree", "remove", "--force", str(tree))
                self._run("worktree", "prune")

    def _fetch(self, branch: str) -> str:
        self._git("fetch", "--quiet", self.remote, f"refs/heads/{branch}")
        return self._git("rev-parse", "FETCH_HEAD").strip()

    def _show(self, commit: str, path: str) -> bytes:
        """The content of a file in a commit; empty when it has no such file."""
        shown = self._run("cat-file", "blob", f"{commit}:{path}")
        return shown.stdout if shown.returncode == 0 else b""

    def _git(self, *words: str, folder: Path | None = None) -> str:
        return self._checked(self._run(*words, folder=folder), words[-1])

    def _checked(self, done: subprocess.CompletedProcess[bytes], step: str) -> str:
        if done.returncode != 0:
            lines = done.stderr.decode(errors="replace").split("\n")
            said = [line.strip() for line in lines if line.strip()]
            fatal = [line for line in said if line.startswith("fatal: ")]  # advice may follow it
            reasons = fatal[:1] or said[-1:] or [f"exit code {done.returncode}"]
            unknown = any(words in reasons[0] for words in NOT_THERE)
            raise (RemoteUnknown if unknown else GitFailed)(step=step, reason=reasons[0])
        return done.stdout.decode(errors="replace")

    def _run(self, *words: str, folder: Path | None = None) -> subprocess.CompletedProcess[bytes]:
        command = ["git", *words]
        try:
            return subprocess.run(
                command,
                cwd=folder or self.project,
                env={**os.environ, **self._environ(words)},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=TIMEOUT_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            reason = getattr(error, "strerror", None) or "it does not end"
            raise GitFailed(step=words[0], reason=reason) from None

    def _environ(self, words: tuple[str, ...]) -> Mapping[str, str]:
        """No question to a person; and the token, where it would not be in a list of processes."""
        quiet = {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
        if not self.token or words[:2] == ("remote", "get-url"):
            return quiet
        address = urlsplit(self.remote_url())
        if address.scheme != "https":
            return quiet
        secret = base64.b64encode(f"x-access-token:{self.token}".encode()).decode()
        return quiet | {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"http.https://{address.hostname}/.extraHeader",
            "GIT_CONFIG_VALUE_0": f"Authorization: Basic {secret}",
        }
