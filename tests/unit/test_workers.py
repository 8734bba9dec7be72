"""All tests are shared out among processes; some of them are not."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import begin_with_slow_files, pytest_xdist_auto_num_workers
from tests.workers import worker_count, workers_of_this_machine

GIB = 2**30


@pytest.mark.parametrize(
    ("cores", "gib", "count"),
    [
        (1, 64, 0),  # one process beside the one that waits for it gains nothing
        (2, 24, 3),  # each waits for a third of its time
        (2, 8, 2),
        (8, 16, 4),
        (8, 8, 2),
        (8, 4, 0),
        (64, 256, 4),
    ],
)
def test_there_are_as_many_as_cores_and_memory_allow(cores: int, gib: int, count: int) -> None:
    assert worker_count(cores, gib * GIB) == count


@pytest.mark.parametrize(
    ("arguments", "are_all"),
    [
        ([], True),
        (["-x"], True),
        (["-k", "settings"], False),
        (["-m", "slow"], False),
        (["--lf"], False),
        (["tests/unit/test_workers.py"], False),
    ],
)
def test_only_all_tests_are_shared_out(
    pytestconfig: pytest.Config,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    are_all: bool,  # noqa: FBT001
) -> None:
    for name in ("PYTEST_XDIST_AUTO_NUM_WORKERS", "ONTEM_TEST_REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(pytestconfig.rootpath)
    config = pytest.Config.fromdictargs({}, arguments)

    count = pytest_xdist_auto_num_workers(config)
    assert count == (workers_of_this_machine() if are_all else 0)


def test_a_redis_from_elsewhere_is_not_shared(
    pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTEST_XDIST_AUTO_NUM_WORKERS", raising=False)
    monkeypatch.setenv("ONTEM_TEST_REDIS_URL", "redis://localhost")
    monkeypatch.chdir(pytestconfig.rootpath)
    assert pytest_xdist_auto_num_workers(pytest.Config.fromdictargs({}, [])) == 0


def test_a_number_in_the_environment_is_for_xdist_to_read(
    pytestconfig: pytest.Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_XDIST_AUTO_NUM_WORKERS", "3")
    assert pytest_xdist_auto_num_workers(pytestconfig) is None


@dataclass(frozen=True)
class AnItem:
    """What is asked of a test that was found."""

    name: str
    path: Path
    marker: str = ""

    def get_closest_marker(self, name: str) -> bool:
        return name == self.marker


def test_files_with_a_slow_test_are_begun_first_and_stay_whole() -> None:
    items: list[Any] = [
        AnItem("quick", Path("a")),
        AnItem("before", Path("b")),
        AnItem("long", Path("b"), "slow"),
        AnItem("of a store", Path("c"), "faults"),
        AnItem("last", Path("d"), "slow"),
    ]
    begin_with_slow_files(items)
    assert [item.name for item in items] == ["before", "long", "last", "quick", "of a store"]
