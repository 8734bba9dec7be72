"""Processes that share work see what the process sees that has it done."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from jobs.extract.copying import copy_statements
from jobs.processes import map_in_order

NAME = "ONTEM_TEST_OF_PROCESSES"
PROJECT = Path(__file__).resolve().parents[2]
KILLED = """
import os
from jobs.processes import map_in_order
from tests.unit.test_processes import killed

if __name__ == "__main__":
    list(map_in_order(killed, iter([os.getpid()] * 6), processes=2))
"""


def variable(task: int) -> tuple[bool, str | None]:
    """Whether it is asked in the process `task`, and the variable there."""
    return os.getpid() == task, os.environ.get(NAME)


@pytest.mark.parametrize("value", ["first", "second", None])
def test_variables_are_those_of_now(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    monkeypatch.setenv(NAME, "before")
    assert _elsewhere() == {"before"}  # the server of processes has been there from here on
    monkeypatch.delenv(NAME)
    if value is not None:
        monkeypatch.setenv(NAME, value)

    assert _elsewhere() == {value}


def test_an_extraction_with_few_rows_of_each_kind_starts_no_process() -> None:
    tasks = [os.getpid() for _ in copy_statements(0, 1)]

    answers = list(map_in_order(variable, iter(tasks), processes=2))

    assert [is_here for is_here, _ in answers] == [True] * 3


def killed(task: int) -> None:
    """Kill the process that hands out the tasks."""
    os.kill(task, signal.SIGKILL)


def test_a_job_that_is_killed_leaves_no_warning_of_what_is_cleared_up_after_it() -> None:
    job = subprocess.run(
        [sys.executable, "-c", KILLED], cwd=PROJECT, capture_output=True, text=True, check=False
    )

    assert job.returncode == -signal.SIGKILL
    assert job.stderr == ""
    assert sys.warnoptions == [each for each in sys.warnoptions if "tracker" not in each]


def _elsewhere() -> set[str | None]:
    answers = list(map_in_order(variable, iter([os.getpid()] * 6), processes=2))
    assert not any(is_here for is_here, _ in answers)
    return {value for _, value in answers}
