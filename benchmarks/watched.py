"""A command of Ontem, with the run that it recorded and the memory that its processes had."""

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.warm_stack import ImportedStack, WarmStack
from stores.postgres.connection import connect
from stores.postgres.runs import RunRow, newest_runs
from stores.settings import Settings
from tests.peak_memory import peak_memory

DAEMON = "jobs.spark.daemon"
"""The Python process that Spark forks its workers from; they have its command line."""
START_OF_SPARK = "start Spark"
"""The stage before those that a full build is compared by."""
POLL_SECONDS = 0.25


@dataclass(frozen=True)
class WatchedRun:
    """A run's record, and the peaks of memory, in bytes.

    They are those of one Spark worker, of Java, and of the job or a process beside it that works as
    it does, whichever had more.
    """

    row: RunRow
    worker_bytes: int = 0
    java_bytes: int = 0
    job_bytes: int = 0

    @property
    def seconds(self) -> float:
        """Those of all stages."""
        return sum(self.row.seconds.values())

    def between(self, start: str, *ends: str) -> float:
        """The seconds of the stages after `start`, up to the first whose name has one of `ends`."""
        stages = list(self.row.seconds.items())
        names = [name for name, _ in stages]
        first = names.index(start) + 1 if start in names else len(names)
        total = 0.0
        for name, seconds in stages[first:]:
            if any(end in name for end in ends):
                break
            total += seconds
        return total

    def of(self, word: str) -> float:
        """The seconds of the stages whose name has a word."""
        return sum(seconds for name, seconds in self.row.seconds.items() if word in name)


def watched(stack: ImportedStack | WarmStack, *words: str) -> WatchedRun:
    """Run a command that records a run, and look at its processes meanwhile."""
    command = [sys.executable, "-m", "ontem", *words]
    with subprocess.Popen(
        command, cwd=stack.folder, env=stack.environ, stdout=sys.stderr
    ) as process:
        peaks = _peaks_until_the_end(process)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    url = Settings.from_environ(stack.environ).postgres_url
    with connect(url, application_name="bench", autocommit=True) as connection:
        (row,) = newest_runs(connection, 1)
    return WatchedRun(row, peaks["worker"], peaks["java"], peaks["job"])


def _peaks_until_the_end(process: "subprocess.Popen[bytes]") -> Mapping[str, int]:
    peaks = {"worker": 0, "java": 0, "job": 0}
    while True:
        for kind, peak in _present_peaks(process.pid):
            peaks[kind] = max(peaks[kind], peak)
        with suppress(subprocess.TimeoutExpired):
            process.wait(POLL_SECONDS)
            return peaks


def _present_peaks(pid: int) -> Iterator[tuple[str, int]]:
    """What each process of a job is, and its peak until now."""
    with suppress(psutil.NoSuchProcess):
        job = psutil.Process(pid)
        for process in (job, *job.children(recursive=True)):
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied, OSError, ValueError):
                yield _kind(process.cmdline()), peak_memory(process.pid)


def _kind(words: Sequence[str]) -> str:
    if DAEMON in words:
        return "worker"
    return "java" if words and Path(words[0]).name == "java" else "job"
