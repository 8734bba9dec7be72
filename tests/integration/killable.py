"""A command of `python -m jobs` that is killed once a stage has come as far as it is told.

    python -m tests.integration.killable FOLDER STAGE WORK VICTIM night --as-of 2018-06-01

Work is counted, not timed: each call of a stage's functions adds to it, in Spark each row they get,
in whichever process that is. The count of a stage is the size of a file in FOLDER.
"""

import functools
import importlib
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

import stores.offline.commit

ROWS_OF_CHUNK: Final = 2
STAGES: Final[Mapping[str, tuple[str, ...]]] = {
    "extract": ("jobs.extract.run.chunks",),
    "build": ("jobs.snapshot.build.explode", "jobs.snapshot.build.snapshot_timelines"),
    "copy": ("jobs.snapshot.copy._copy",),
    "commit events": ("jobs.extract.run.commit_run",),
    "commit": ("jobs.snapshot.commit.commit_run",),
    "check": (
        "jobs.snapshot.publish.verify_files",
        "jobs.snapshot.publish.check_rows",
        "jobs.snapshot.publish.check_room",
    ),
    "publish": ("stores.redis.publish.BucketWriter._write_batch",),
    "list": ("jobs.snapshot.publish.set_list", "jobs.snapshot.publish.mark_published"),
    "build a training set": (
        "jobs.training_set.rows.explode",
        "jobs.training_set.rows.answer_pieces",
        "jobs.training_set.rows.order_pieces",
        "jobs.training_set.rows.assemble",
    ),
}
"""Which functions are the work of a stage. Each is where it is called from."""
COMMIT_STEPS: Final = ("write_file_list", "make_table", "_commit_once", "write_hint")
"""Those of a commit, which is done before the last one."""


@dataclass(frozen=True)
class Kill:
    """Kill the driver or a worker of it when a stage has come to so much work."""

    stage: str
    work: int
    victim: str


class Progress:
    """Counts the work of all stages in a folder, and kills where it is told to."""

    def __init__(self, folder: Path, kill: Kill | None = None) -> None:
        self.folder, self.kill, self.driver = folder, kill, os.getpid()

    def of(self, stage: str) -> int:
        """How much work of a stage was begun."""
        return (self.folder / stage).stat().st_size

    def add(self, stage: str, work: int) -> None:
        """Count work that begins now. Many processes may do so at a time."""
        with (self.folder / stage).open("ab", buffering=0) as file:
            file.write(bytes(work))
            done = file.tell()
        if self.kill is not None and self.kill.stage == stage and done >= self.kill.work:
            self._kill(self.kill.victim)

    def count(self, patch: pytest.MonkeyPatch) -> None:
        """Count what this process does, and what its Spark does."""
        for stage, names in STAGES.items():
            for name in names:
                where, _, function = name.rpartition(".")
                owner = _found(where)
                counted = {"chunks": self._chunks, "commit_run": self._steps}
                count = counted.get(function, self._calls)
                patch.setattr(owner, function, count(stage, getattr(owner, function)))

    def _calls(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        in_spark = stage.startswith("build")

        @functools.wraps(function)
        def counted(*given: Any, **named: Any) -> Any:
            self.add(stage, given[0].num_rows if in_spark else 1)
            return function(*given, **named)

        return counted

    def _chunks(self, stage: str, chunks: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*given: Any) -> Iterator[Any]:
            for chunk in chunks(*given, rows=ROWS_OF_CHUNK):
                self.add(stage, 1)
                yield chunk

        return counted

    def _steps(self, stage: str, commit_run: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*given: Any, **named: Any) -> Any:
            with pytest.MonkeyPatch.context() as patch:
                for name in COMMIT_STEPS:
                    step = getattr(stores.offline.commit, name)
                    patch.setattr(stores.offline.commit, name, self._calls(stage, step))
                return commit_run(*given, **named)

        return counted

    def _kill(self, victim: str) -> None:
        if victim == "driver":
            os.kill(self.driver, signal.SIGKILL)
        elif os.getpid() != self.driver:
            os.kill(os.getpid(), signal.SIGKILL)
        else:
            pid = multiprocessing.active_children()[0].pid
            assert pid is not None
            os.kill(pid, signal.SIGKILL)


def _found(name: str) -> Any:
    """The module of that name, or the class in a module."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        module, _, inner = name.rpartition(".")
        return getattr(importlib.import_module(module), inner)


def _main(folder: str, stage: str, work: str, victim: str, *words: str) -> None:
    import jobs.extract.run
    from jobs.__main__ import main

    patch = pytest.MonkeyPatch()
    patch.setattr(jobs.extract.run, "_PROCESSES", 2)  # also where there is one core
    Progress(Path(folder), Kill(stage, int(work), victim)).count(patch)
    main(words, prog_name="python -m jobs")


if __name__ == "__main__":
    _main(*sys.argv[1:])
