"""An environment of the service as an image has it: the wheel from an index, and locked wheels."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.package_files import PROJECT, locked
from tests.wheelhouse import make_wheelhouse

LOCK = PROJECT / "deploy" / "locks" / "service.lock"


def tools() -> Path:
    """The programs of `make setup` that install, which are beside the environment of the tests."""
    for project in (PROJECT, (PROJECT / ".venv").resolve().parent):
        if (found := project / ".ontem" / "tools" / "bin").is_dir():
            return found
    raise FileNotFoundError(".ontem/tools: run `make setup`")


def run(*words: str | Path) -> str:
    """What a program prints; it knows no index and no setting of this machine."""
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "NO_PROXY": "*",
        "PIP_CONFIG_FILE": os.devnull,
        "UV_NO_CONFIG": "1",
        "UV_PYTHON_DOWNLOADS": "never",
    }
    command = [str(word) for word in words]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@dataclass(frozen=True)
class CleanEnvironment:
    """A virtual environment with `ontem[service]` and nothing else."""

    folder: Path

    @property
    def ontem(self) -> str:
        """Its command."""
        return str(self.folder / "bin" / "ontem")

    @property
    def versions(self) -> dict[str, str]:
        """What `pip list` says."""
        words = ("pip", "list", "-q", "--format=json", "--python", self.folder / "bin" / "python")
        listed = json.loads(run(tools() / "uv", *words))
        return {each["name"]: each["version"] for each in listed}

    @property
    def size(self) -> int:
        """The bytes of all its files."""
        files = (
            file for file in self.folder.rglob("*") if file.is_file() and not file.is_symlink()
        )
        return sum(file.stat().st_size for file in files)


def versions_of_the_lock() -> dict[str, str]:
    """What the lock of the service has for the Python that runs this."""
    return locked(LOCK, {})


def install_from_index(index: str, requirement: str, folder: Path) -> CleanEnvironment:
    """The environment with the wheel that an index has, and the locked packages; no network."""
    wheelhouse = folder / "wheelhouse"
    make_wheelhouse(wheelhouse, versions_of_the_lock())
    pip = (tools() / "python", "-m", "pip", "download", "-q", "--disable-pip-version-check")
    run(*pip, "--no-deps", "--index-url", index, "--dest", wheelhouse, requirement)
    environment = CleanEnvironment(folder / "environment")
    uv = tools() / "uv"
    run(uv, "venv", "-q", "--python", sys.executable, environment.folder)
    name, _, version = requirement.partition("==")
    options = ("--no-index", "--no-cache", "--find-links", wheelhouse)
    python = environment.folder / "bin" / "python"
    run(uv, "pip", "install", "-q", "--python", python, *options, f"{name}[service]=={version}")
    return environment
