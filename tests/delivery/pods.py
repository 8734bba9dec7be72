"""A container of a manifest as a plain process: its words, environment, user and folders."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.delivery.kustomize import Manifest, pod_of, the

PROJECT = Path(__file__).resolve().parents[2]
START_SECONDS = 300
READS_EVERYTHING = (
    "--clear-groups", "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search",
    "--no-new-privs", "--",
)  # fmt: skip


@dataclass(frozen=True)
class Container:
    """One container, the variables that it gets, and the folder that stands for its file system."""

    words: Sequence[str]
    variables: Mapping[str, str]
    pod: Manifest
    folder: Path

    @property
    def command(self) -> list[str]:
        """The command after the words that make it the pod's user."""
        return [*_as_user(self.pod["securityContext"])[0], *self.words]

    @property
    def options(self) -> dict[str, Any]:
        """How `subprocess` starts it."""
        return {
            "env": dict(self.variables),
            "cwd": self.folder / "app",
            "stdin": subprocess.DEVNULL,
            **_as_user(self.pod["securityContext"])[1],
        }

    def run(self) -> "subprocess.CompletedProcess[str]":
        """Run it to its end."""
        return subprocess.run(
            self.command, capture_output=True, text=True, check=False, **self.options
        )

    def on_socket(self, listening: socket.socket, address: str) -> list[str]:
        """The command, which listens on a socket of this process in the place of its address."""
        words = [word.replace(address, f"fd://{listening.fileno()}") for word in self.command]
        assert words != self.command
        return words


@contextmanager
def a_container(
    found: list[Manifest], kind: str, name: str, secrets: Mapping[str, str], **others: str
) -> Iterator[Container]:
    """The only container of a manifest, in a file system of which it may write /tmp alone.

    `secrets` is what the Secret has that it names, `others` what is different on this machine.
    """
    pod = pod_of(the(found, kind, name))
    (container,) = pod["containers"]
    variables: dict[str, str] = {}
    for source in container["envFrom"]:
        if "configMapRef" in source:
            variables |= the(found, "ConfigMap", source["configMapRef"]["name"])["data"]
        else:
            assert source == {"secretRef": {"name": "ontem"}}
            variables |= secrets
    with TemporaryDirectory(prefix="ontem-pod-") as made:
        folder = Path(made)
        folder.chmod(0o755)
        (folder / "app" / ".ontem").mkdir(parents=True)
        (folder / "app" / ".ontem" / "jars").symlink_to(PROJECT / ".ontem" / "jars")
        (folder / "tmp").mkdir()
        (folder / "tmp").chmod(0o777)
        for read_only in (folder / "app" / ".ontem", folder / "app"):
            read_only.chmod(0o555)
        image = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(PROJECT),
            "PYTHONDONTWRITEBYTECODE": "1",
            "TMPDIR": str(folder / "tmp"),
        }
        words = [sys.executable, "-m", "ontem", *container["args"]]
        yield Container(words, {**image, **variables, **others}, pod, folder)
        for writable in (folder / "app", folder / "app" / ".ontem"):
            writable.chmod(0o755)


def _as_user(context: Mapping[str, Any]) -> tuple[tuple[str, ...], dict[str, Any]]:
    assert context["runAsNonRoot"]
    return _identity(context["runAsUser"], context["runAsGroup"])


@cache
def _identity(user: int, group: int) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Words before a command and options of `subprocess` that start it as that user.

    Only root can choose. Where this checkout or its Python is closed to all but root, as below a
    closed home, the user may read everything; what it may write stays the same.
    """
    if os.geteuid() != 0:
        return (), {}
    options = {"user": user, "group": group, "extra_groups": []}
    if _reads_this_project([], options):
        return (), options
    words = ("setpriv", f"--reuid={user}", f"--regid={group}", *READS_EVERYTHING)
    return (words, {}) if _reads_this_project(words, {}) else ((), {})


def _reads_this_project(words: Sequence[str], options: Mapping[str, Any]) -> bool:
    program = f"import click; open({str(PROJECT / 'pyproject.toml')!r})"
    try:
        done = subprocess.run(
            [*words, sys.executable, "-c", program], capture_output=True, check=False, **options
        )
    except OSError:
        return False
    return done.returncode == 0
