"""The four locks are those of pyproject.toml, and name one version of what they share."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = Path(__file__).resolve().parents[2]
WHOLE = "requirements.lock"
PARTS = {
    "deploy/locks/service.lock": "service",
    "deploy/locks/jobs.lock": "jobs",
    "deploy/locks/build.lock": None,
}
PIN = re.compile(r"(?P<name>[a-z0-9-]+)==(?P<version>[^ ;]+)(?: ; (?P<marker>[^\\]+))? \\")
HASH = re.compile(r" {4}--hash=sha256:(?P<hash>[0-9a-f]{64})(?: \\)?")


def _pins(lock: str) -> dict[tuple[str, str], set[str]]:
    """The hashes of each package and version; a line of any other form fails."""
    pins: dict[tuple[str, str], set[str]] = {}
    for line in (PROJECT / lock).read_text(encoding="utf-8").splitlines():
        if pin := PIN.fullmatch(line):
            hashes = pins.setdefault((pin["name"], pin["version"]), set())
        else:
            digest = HASH.fullmatch(line)
            assert digest, f"{lock}: {line} is neither a package with its version nor a hash"
            hashes.add(digest["hash"])
    return pins


def _project() -> dict[str, Any]:
    return tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))


def _requirements(extra: str | None) -> list[Requirement]:
    """What pyproject.toml asks for with `extra`; without one, what builds the wheel."""
    project = _project()
    if extra is None:
        return [Requirement(text) for text in project["dependency-groups"]["build"]]
    extras = project["project"]["optional-dependencies"]
    texts = [*project["project"]["dependencies"], *extras["databases"], *extras[extra]]
    requirements = [Requirement(text) for text in texts]
    return [requirement for requirement in requirements if requirement.name != "ontem"]


def _everything() -> list[Requirement]:
    groups = _project()["dependency-groups"]["dev"]
    dev = [Requirement(text) for text in groups if isinstance(text, str)]
    return [*dev, *(need for extra in PARTS.values() for need in _requirements(extra))]


@pytest.mark.parametrize("lock", [WHOLE, *PARTS])
def test_a_lock_has_a_hash_of_each_package(lock):
    assert all(_pins(lock).values())


@pytest.mark.parametrize("lock", PARTS)
def test_a_smaller_lock_names_the_versions_and_hashes_of_the_whole_one(lock):
    whole = _pins(WHOLE)

    assert _pins(lock)
    for pin, hashes in _pins(lock).items():
        assert whole.get(pin) == hashes, f"{pin}: run `make lock`"


@pytest.mark.parametrize("lock", [WHOLE, *PARTS])
def test_a_lock_has_what_pyproject_asks_for(lock):
    pins = _pins(lock)

    for requirement in _everything() if lock == WHOLE else _requirements(PARTS[lock]):
        versions = [v for name, v in pins if name == canonicalize_name(requirement.name)]
        assert versions, f"{lock} lacks {requirement.name}: run `make lock`"
        assert all(requirement.specifier.contains(version) for version in versions), (
            f"{lock} has {requirement.name} {versions}, not {requirement.specifier}: "
            "run `make lock`"
        )


def test_what_serves_is_locked_without_what_reads_tables():
    names = {name for name, _ in _pins("deploy/locks/service.lock")}

    assert not names & {
        "pyarrow", "pandas", "pyspark", "py4j", "pyiceberg", "sqlalchemy", "alembic", "boto3",
        "rich", "psutil", "pytest", "hatchling",
    }  # fmt: skip


@pytest.mark.parametrize("lock", [WHOLE, *list(PARTS)[:2]])
def test_a_lock_has_one_numpy_and_one_scikit_learn_for_all_pythons(lock):
    """A model is bytes of both: what is trained under one Python loads under the others."""
    lines = (PROJECT / lock).read_text(encoding="utf-8").splitlines()
    for library in ("numpy", "scikit-learn"):
        pins = [line for line in lines if line.startswith(f"{library}==")]

        assert len(pins) == 1
        assert ";" not in pins[0]


def test_the_build_downloads_nothing_that_is_not_locked():
    assert _project()["build-system"]["requires"] == _project()["dependency-groups"]["build"]
    for script in ("deploy/setup",):
        installs = [
            line
            for line in (PROJECT / script).read_text(encoding="utf-8").splitlines()
            if "--no-deps" in line
        ]
        assert installs
        assert all("--no-build-isolation" in line for line in installs)


def test_the_page_lists_what_the_service_s_environment_has():
    page = (PROJECT / "docs" / "delivery.md").read_text(encoding="utf-8")
    section = page.partition("### What the service's environment has")[2].partition("\n## ")[0]
    listed = section.partition("Beside `ontem` itself:")[2]

    assert set(re.findall(r"`([a-z0-9-]+)`", listed)) == {
        name for name, _ in _pins("deploy/locks/service.lock")
    }
