"""A container of a manifest as a plain process: its words, environment, user and folders."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.containers.paths import Identity, identity_of, options_of
from tests.delivery.kustomize import Manifest, pod_of, the

PROJECT = Path(__file__).resolve().parents[2]


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
        return [*_user(self.pod).words, *self.words]

    @property
    def options(self) -> dict[str, Any]:
        """How `subprocess` starts it."""
        return {
            "env": dict(self.variables),
            "cwd": self.folder / "app",
            "stdin": subprocess.DEVNULL,
            **options_of(_user(self.pod)),
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
            of_kind = "ontem-service" if name == "service" else "ontem"
            assert source == {"secretRef": {"name": of_kind}}
            variables |= secrets
    variables |= {each["name"]: each["value"] for each in container.get("env", ())}
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


def _user(pod: Manifest) -> Identity:
    context = pod["securityContext"]
    assert context["runAsNonRoot"]
    return identity_of(f"{context['runAsUser']}:{context['runAsGroup']}")
