"""Every benchmark of the lock file runs from its first to its last line, on few orders."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.__main__ import NAMES
from benchmarks.page import PAGE

LOCKED_NAMES = tuple(name for name in NAMES if name != "drivers")
PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def ended() -> "subprocess.CompletedProcess[str]":
    """One run of all benchmarks, which leaves the page alone."""
    page = PAGE.read_text(encoding="utf-8")
    ended = run("--print", *LOCKED_NAMES)
    assert ended.returncode == 0, ended.stderr
    assert PAGE.read_text(encoding="utf-8") == page
    return ended


@pytest.fixture(scope="module")
def sections(ended: "subprocess.CompletedProcess[str]") -> list[str]:
    return re.split("^## ", ended.stdout, flags=re.MULTILINE)[1:]


@pytest.mark.slow
def test_there_is_a_section_of_each_benchmark(sections: list[str]) -> None:
    assert len({section.splitlines()[0] for section in sections}) == len(LOCKED_NAMES)


@pytest.mark.parametrize("number", range(len(LOCKED_NAMES)), ids=LOCKED_NAMES)
def test_a_benchmark_prints_its_table(sections: list[str], number: int) -> None:
    assert "\n| " in sections[number]


def test_all_that_measure_a_history_share_its_stack(
    ended: "subprocess.CompletedProcess[str]",
) -> None:
    # That of the requests and that of the nights.
    assert ended.stderr.count("has the newest schema, as production") == 2


def test_an_unknown_name_is_refused_with_those_there_are() -> None:
    ended = run("--print", "evaluat")
    assert ended.returncode == 2
    assert ended.stderr.strip() == (
        "there is no benchmark 'evaluat': choose from point_in_time, night, extract, "
        "evaluate, stages, serving, histories, before, faults, slow_clients, overload, hot, "
        "online_store, nights, publishing, redis_growth, training_set, catalogues, live_day, soak, "
        "drivers"
    )


def run(*words: str) -> "subprocess.CompletedProcess[str]":
    environ = os.environ | {"ONTEM_BENCH_ORDERS": "4000", "PYTHONPATH": str(PROJECT)}
    command = [sys.executable, "-m", "benchmarks", *words]
    return subprocess.run(
        command, cwd=PROJECT, env=environ, capture_output=True, text=True, check=False
    )
