"""A process uses what its container has, not all of the machine."""

import os
from pathlib import Path

import pytest

from jobs.entry import cores_of
from jobs.machine import usable_cores, usable_memory
from jobs.spark import session

GIB = 2**30
MACHINE = 64 * GIB


@pytest.fixture(autouse=True)
def a_large_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """16 cores and 64 GiB."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(16)))
    sizes = {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": MACHINE // 4096}
    monkeypatch.setattr(os, "sysconf", sizes.__getitem__)


class Groups:
    """The files that Linux shows of control groups."""

    def __init__(self, folder: Path) -> None:
        self.root, self.own = folder / "cgroup", folder / "self"

    def limit(self, group: str, **limits: str) -> None:
        for name, text in limits.items():
            file = self.root / group / f"{name}.max"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(f"{text}\n")

    @property
    def cores(self) -> int:
        return usable_cores(self.root, self.own)

    @property
    def memory(self) -> int:
        return usable_memory(self.root, self.own)


@pytest.fixture
def groups(tmp_path: Path) -> Groups:
    """Those of a container, whose own group is the root of what it sees."""
    groups = Groups(tmp_path)
    groups.own.write_text("0::/\n")
    return groups


@pytest.mark.parametrize(
    ("cpu", "cores"),
    [
        ("400000 100000", 4),
        ("250000 100000", 3),
        ("10000 100000", 1),
        ("max 100000", 16),
        ("9900000 100000", 16),
    ],
)
def test_cores_are_those_of_the_container(groups: Groups, cpu: str, cores: int) -> None:
    groups.limit("", cpu=cpu)

    assert groups.cores == cores


@pytest.mark.parametrize(
    ("limit", "bytes_"), [(f"{16 * GIB}", 16 * GIB), ("max", MACHINE), (f"{2**62}", MACHINE)]
)
def test_memory_is_that_of_the_container(groups: Groups, limit: str, bytes_: int) -> None:
    groups.limit("", memory=limit)

    assert groups.memory == bytes_


def test_the_narrowest_of_the_groups_around_a_process_holds(groups: Groups) -> None:
    groups.own.write_text("4:memory:/old\n0::/system.slice/job.scope\n")
    groups.limit("system.slice", memory=f"{8 * GIB}", cpu="max 100000")
    groups.limit("system.slice/job.scope", memory=f"{32 * GIB}", cpu="200000 100000")
    groups.limit("system.slice/other.scope", memory=f"{1 * GIB}", cpu="100000 100000")

    assert (groups.memory, groups.cores) == (8 * GIB, 2)


def test_a_group_that_is_named_and_not_shown_leaves_those_around_it(groups: Groups) -> None:
    groups.own.write_text("0::/kubepods/pod/container\n")
    groups.limit("", memory=f"{2 * GIB}")

    assert groups.memory == 2 * GIB


def test_where_there_are_no_groups_it_is_all_of_the_machine(tmp_path: Path) -> None:
    groups = Groups(tmp_path)

    assert (groups.cores, groups.memory) == (16, MACHINE)


@pytest.mark.parametrize(("memory", "heap"), [(16, "4096m"), (64, "8192m"), (2, "1024m")])
def test_java_s_heap_is_a_part_of_the_memory_of_the_container(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, memory: int, heap: str
) -> None:
    monkeypatch.setattr(session, "usable_memory", lambda: memory * GIB)

    settings = session.SparkSettings(jars=tmp_path, scratch=tmp_path)
    options = session.local_options(settings, tmp_path)

    assert options["spark.driver.memory"] == heap
    assert options["spark.local.dir"] == str(tmp_path)


@pytest.mark.parametrize(
    ("master", "cores"), [("local[4]", 4), ("local[*]", 16), ("local", 1), (None, 16)]
)
def test_a_job_has_the_cores_that_its_master_names(master: str | None, cores: int) -> None:
    assert cores_of(master) == cores
