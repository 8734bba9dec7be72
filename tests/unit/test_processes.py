"""Processes that share work see what the process sees that has it done."""

import os

import pytest

from jobs.extract.copying import copy_statements
from jobs.processes import map_in_order

NAME = "ONTEM_TEST_OF_PROCESSES"


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


def _elsewhere() -> set[str | None]:
    answers = list(map_in_order(variable, iter([os.getpid()] * 6), processes=2))
    assert not any(is_here for is_here, _ in answers)
    return {value for _, value in answers}
