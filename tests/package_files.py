"""Which files the packages of a lock, and Ontem's own wheel, have in an image."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path, PurePosixPath
from typing import Final

from packaging.requirements import Requirement

PROJECT: Final = Path(__file__).resolve().parents[1]
ROOMS: Final = ("features_pkg", "stores", "jobs", "service", "ontem", "sql")
SITE: Final = "lib/python3.13/site-packages"
LINUX: Final = {
    "implementation_name": "cpython", "os_name": "posix", "platform_machine": "x86_64",
    "platform_python_implementation": "CPython", "platform_system": "Linux",
    "python_full_version": "3.13.9", "python_version": "3.13", "sys_platform": "linux",
}  # fmt: skip


@cache
def wheel_files() -> frozenset[str]:
    """The paths of Ontem's own wheel."""
    own = {
        str(file.relative_to(PROJECT))
        for room in ROOMS
        for file in (PROJECT / room).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    return frozenset({*own, "ontem/built.json"})


def locked(lock: Path, environment: Mapping[str, str] = LINUX) -> dict[str, str]:
    """The versions of the packages of a lock that an image gets, or another environment."""
    lines = lock.read_text(encoding="utf-8").replace(" \\\n", "\n").splitlines()
    needs = [Requirement(line) for line in lines if not line.startswith(" ")]
    return {
        need.name: str(need.specifier).removeprefix("==")
        for need in needs
        if need.marker is None or need.marker.evaluate(dict(environment))
    }


@cache
def package_files(name: str) -> frozenset[str]:
    """The files of a package below its environment, as they are in this one."""
    try:
        installed: Distribution = distribution(name)
    except PackageNotFoundError:  # of another Python than this one
        return frozenset({f"{SITE}/{name.replace('-', '_')}.dist-info/METADATA"})
    paths = {PurePosixPath(SITE, str(file)) for file in installed.files or ()}
    inside = {str(path) for path in paths if ".." not in path.parts}
    scripts = {f"bin/{path.name}" for path in paths if ".." in path.parts and "bin" in path.parts}
    return frozenset(inside | scripts)
