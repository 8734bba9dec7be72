"""Which version of Ontem this is, and of which commit: counted by git, never written by hand.

The build loads this file by itself, before anything is installed: it imports nothing of Ontem.
"""

import json
import os
import subprocess
from pathlib import Path
from typing import Final, NamedTuple

PROJECT: Final = Path(__file__).resolve().parents[1]
BUILT: Final = Path(__file__).with_name("built.json")
"""In a wheel only: what it was built from. `deploy/build_hook.py` writes it."""
SERIES: Final = "0.1"
UNCOUNTED: Final = f"{SERIES}.0.dev0"
"""The version of a tree without its whole history, such as an exported one."""
ELSEWHERE: Final = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR")
"""Variables of git's hooks, which point it at another repository than that of the folder."""


class Version(NamedTuple):
    """A version and its commit; a tree without its whole history has no commit."""

    number: str
    commit: str

    @property
    def sentence(self) -> str:
        """As `ontem --version` prints it."""
        return f"ontem {self.number} (commit {self.commit[:12] or 'unknown'})"


def version_here(project: Path = PROJECT, built: Path = BUILT) -> Version:
    """The version of the wheel that this file came with, or else of its checkout now."""
    try:
        return Version(**json.loads(built.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return version_of_checkout(project)


def version_of_checkout(project: Path = PROJECT) -> Version:
    """`0.1.N` for the N commits on the first-parent line of what is checked out."""
    if refusal_to_count(project):
        return Version(UNCOUNTED, "")
    return Version(
        f"{SERIES}.{git(project, 'rev-list', '--count', '--first-parent', 'HEAD')}",
        git(project, "rev-parse", "HEAD"),
    )


def refusal_to_count(project: Path) -> str:
    """Why the commits can't be counted here; empty where they can."""
    top = git(project, "rev-parse", "--show-toplevel")
    if not top and (project / ".git").exists():
        return "git does not read it: run `git status` there, which says why, such as another owner"
    if not top or Path(top).resolve() != project.resolve():
        return "it is not a git checkout: clone the repository"
    if git(project, "rev-parse", "--is-shallow-repository") != "false":
        return "it is a shallow clone: run `git fetch --unshallow`"
    if not git(project, "rev-parse", "--verify", "--quiet", "HEAD"):
        return "it has no commit: commit first"
    return ""


def git(project: Path, *words: str) -> str:
    """What git answers about `project`; empty where it fails or there is no git."""
    environ = {name: value for name, value in os.environ.items() if name not in ELSEWHERE}
    command = ["git", "-C", str(project), *words]
    try:
        done = subprocess.run(
            command, env=environ, capture_output=True, text=True, errors="replace", check=False
        )
    except OSError:
        return ""
    return "" if done.returncode else done.stdout.strip()
