"""Commands of `python -m jobs`, each killed once a stage has come as far as it is told.

    python -m tests.integration.killable

forks a run of a command for each line of its input, and prints its exit code. So they import
together. A line is JSON such as

    {"folder": "...", "words": ["night"], "kill": {"stage": "build", "work": 7, "victim": "worker"}}

Work is counted, not timed: each call of a stage's functions adds to it, in Spark each row they get,
in whichever process that is. The count of a stage is the size of a file in the folder.
"""

import importlib
import json
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from pyiceberg.catalog.sql import SqlCatalog

import jobs.snapshot.delta
import stores.offline.commit

ROWS_OF_CHUNK: Final = 2
STAGES: Final[Mapping[str, tuple[str, ...]]] = {
    "extract": ("jobs.extract.run.chunks",),
    "build": (
        "jobs.snapshot.timelines_in_spark.explode",
        "jobs.snapshot.timelines_in_spark.snapshot_timelines",
    ),
    "add": (
        "jobs.snapshot.merging_in_spark._divide_files",
        "jobs.snapshot.merging_in_spark._merge_part",
    ),
    "commit events": ("jobs.extract.run.commit_run",),
    "commit snapshot": ("jobs.snapshot.commit.commit_run",),
    "commit training set": ("jobs.training_set.run.commit_run",),
    "check": (
        "jobs.snapshot.range_writer.verify_files",
        "jobs.snapshot.range_writer.check_rows",
        "jobs.snapshot.publish.check_room",
    ),
    "publish": ("stores.redis.bucket_writer.BucketWriter._write_batch",),
    "list": ("jobs.snapshot.publish.set_list", "jobs.snapshot.publish.mark_published"),
    "build a training set": (
        "jobs.training_set.writing.explode",
        "jobs.training_set.writing.answer_pieces",
        "jobs.training_set.writing.order_pieces",
        "jobs.training_set.writing.assemble",
    ),
}
"""Which functions are the work of a stage. Each is where it is called from.

A stage `commit X` has another in it, `catalogue of X`: the catalogue is about to take metadata that
are written.
"""
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
        """Count what this process does, and what its Spark does, which merges even few events."""
        patch.setattr(jobs.snapshot.delta, "FEW_EVENTS", 0)
        for stage, names in STAGES.items():
            for name in names:
                where, _, function = name.rpartition(".")
                owner = _found(where)
                counted = {"chunks": self._chunks, "commit_run": self._steps}
                count = counted.get(function, self._calls)
                patch.setattr(owner, function, count(stage, getattr(owner, function)))

    def _calls(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        in_spark = stage.startswith("build")

        # Not with the function's own name: a worker would look for it, and find the real one.
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
                written = self._written(stage.replace("commit", "catalogue of"))
                patch.setattr(SqlCatalog, "_write_metadata", staticmethod(written))
                return commit_run(*given, **named)

        return counted

    def _written(self, stage: str) -> Callable[..., None]:
        write = SqlCatalog._write_metadata

        def counted(*given: Any, **named: Any) -> None:
            write(*given, **named)
            self.add(stage, 1)

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


def _main() -> None:
    """Fork a run for each line; it leaves by SystemExit, as any program."""
    import jobs.entry
    from jobs.__main__ import main

    for names in STAGES.values():
        for name in names:
            _found(name.rpartition(".")[0])
    for line in sys.stdin:
        child = os.fork()
        if child:
            _, status = os.waitpid(child, 0)
            print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201
            continue
        request = json.loads(line)
        folder = Path(request["folder"])
        os.dup2(os.open(os.devnull, os.O_RDWR), sys.stdin.fileno())
        os.dup2(os.open(folder / "output", os.O_WRONLY | os.O_CREAT), sys.stdout.fileno())
        os.dup2(os.open(folder / "errors", os.O_WRONLY | os.O_CREAT), sys.stderr.fileno())
        # What it spawns imports what it was started as: not this module, which needs pytest.
        sys.modules["__main__"] = importlib.import_module("jobs.__main__")
        patch = pytest.MonkeyPatch()
        patch.setattr(jobs.entry, "cores_of", lambda _: 2)  # also where there is one core
        Progress(folder, Kill(**request["kill"])).count(patch)
        main(request["words"], prog_name="python -m jobs")


if __name__ == "__main__":
    _main()
