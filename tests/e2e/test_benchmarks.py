"""Every benchmark of the lock file runs from its first to its last line, on few orders."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.__main__ import DEFAULT_NAMES
from benchmarks.page import PAGE

PROJECT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", DEFAULT_NAMES)
def test_a_benchmark_prints_its_section_and_leaves_the_page_alone(name: str):
    page = PAGE.read_text(encoding="utf-8")
    ended = run("--print", name)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("## ")
    assert "\n| " in ended.stdout
    assert PAGE.read_text(encoding="utf-8") == page


def test_an_unknown_name_is_refused_with_those_there_are():
    ended = run("--print", "evaluat")
    assert ended.returncode == 2
    assert ended.stderr.strip() == (
        "there is no benchmark 'evaluat': choose from point_in_time, night, evaluate, "
        "online_store, drivers"
    )


def run(*words: str) -> "subprocess.CompletedProcess[str]":
    environ = os.environ | {"ONTEM_BENCH_ORDERS": "4000", "PYTHONPATH": str(PROJECT)}
    command = [sys.executable, "-m", "benchmarks", *words]
    return subprocess.run(
        command, cwd=PROJECT, env=environ, capture_output=True, text=True, check=False
    )
