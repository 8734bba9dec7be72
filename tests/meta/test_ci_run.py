"""`.ci/run`: its log ends with the tests' closing line, and a slipped gate fails it, too."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
CLOSING = "==== 7 passed in 1.23s ===="


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with the scripts of CI, whose `make check` and gate end as they are told."""
    for name in (".ci", "deploy", ".venv/bin"):
        (tmp_path / name).mkdir(parents=True)
    shutil.copy(PROJECT / ".ci" / "run", tmp_path / ".ci" / "run")
    shutil.copy(PROJECT / "deploy" / "circle-check", tmp_path / "deploy" / "circle-check")
    (tmp_path / "Makefile").write_text(f"check:\n\t@echo a test\n\t@echo '{CLOSING}'\n\t@$$CHECK\n")
    programs = {
        ".venv/bin/python": 'echo "the gate: $*"; exit "$GATE"',
        "circleci": "case $2 in split) cat ;; *) echo tests/unit/test_one.py ;; esac",
    }
    for name, line in programs.items():
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\n{line}\n")
        program.chmod(0o755)
    return tmp_path


def run(checkout: Path, script: str = ".ci/run", **variables: str) -> tuple[int, list[str]]:
    """The exit code, and the lines of its output."""
    environ = {"PATH": f"{checkout}:{os.environ['PATH']}", "CHECK": "true", "GATE": "0"}
    ended = subprocess.run(
        ["bash", script],
        cwd=checkout,
        env=environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    return ended.returncode, ended.stdout.splitlines()


@pytest.mark.parametrize("gate", ["0", "75"])
def test_a_gate_that_holds_or_was_not_measured_fails_nothing(checkout: Path, gate: str) -> None:
    code, lines = run(checkout, GATE=gate)

    assert code == 0
    assert "the gate: -m benchmarks.gate" in lines
    assert lines[-1] == CLOSING


@pytest.mark.parametrize("gate", ["1", "2", "137"])
def test_a_gate_that_slipped_or_broke_fails_the_run(checkout: Path, gate: str) -> None:
    code, lines = run(checkout, GATE=gate)

    assert code == int(gate)
    assert CLOSING not in lines[-1]


def test_a_check_that_fails_fails_the_run_without_the_gate(checkout: Path) -> None:
    code, lines = run(checkout, CHECK="false")

    assert code != 0
    assert not any("the gate" in line for line in lines)


@pytest.mark.parametrize(("container", "measures"), [("0", True), ("1", False), ("3", False)])
def test_one_container_of_circleci_measures_the_speed(
    checkout: Path, container: str, *, measures: bool
) -> None:
    code, lines = run(checkout, "deploy/circle-check", CIRCLE_NODE_INDEX=container)

    assert (code, lines[-1]) == (0, CLOSING)
    assert any("the gate" in line for line in lines) is measures
