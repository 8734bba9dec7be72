"""A range of buckets whose writer kills somebody when so many batches were begun."""

import os
import signal
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import psutil

from jobs.snapshot.range_writer import WriteRange
from stores.redis.bucket_writer import BucketWriter, WriteCounts

EXECUTOR = "CoarseGrainedExecutorBackend"


@dataclass(frozen=True, slots=True)
class Kill:
    """Kill the victim once, when `batches` have been begun; a file counts them for all writers."""

    victim: str
    pid: int
    batches: int
    progress: Path

    def note(self) -> None:
        """Count one batch. Many processes may do so at a time."""
        with self.progress.open("ab", buffering=0) as file:
            file.write(b".")
            count = file.tell()
        if count == self.batches:
            os.kill(self._pid(), signal.SIGKILL)

    def _pid(self) -> int:
        if self.victim == "worker":
            return os.getpid()
        if self.victim == "executor":
            parents = psutil.Process().parents()
            return next(each.pid for each in parents if EXECUTOR in " ".join(each.cmdline()))
        return self.pid


@dataclass(frozen=True, slots=True, kw_only=True)
class KillingRange(WriteRange):
    """Writes a range, and kills."""

    kill: Kill

    def __call__(self, places: tuple[int, int]) -> WriteCounts:
        write = BucketWriter._write_batch

        def counted(writer: BucketWriter, *given: object) -> None:
            self.kill.note()
            write(writer, *given)  # type: ignore[arg-type]

        with mock.patch.object(BucketWriter, "_write_batch", counted):
            return WriteRange.__call__(self, places)
