"""The files in which the worker processes of one service share their counts.

Each process has a *slot*, a small number that is its own while it lives. Its files are named by it,
so a process that follows a dead one goes on with the counts of that one: no count ever falls, and
the files do not grow more with each restart.
"""

import fcntl
import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from prometheus_client.multiprocess import mark_process_dead

from service import log

_PREFIX: Final = "ontem-metrics-"
_LOCK: Final = "lock"
_BYTES: Final = {"counter": 131_072, "histogram": 262_144, "gauge_livesum": 32_768}
"""How long the files of a process are, by kind: more than all series take, so that none grows."""
_IN_MEMORY: Final = Path("/dev/shm")  # noqa: S108  a folder of its own is made there


class SharedCounts:
    """The folder of one service's files; the master process makes it and gives out the slots.

    It is new for each start, in memory where the machine has such a folder, so that no full disk
    is in the way of a count. Folders of services that were killed are removed.
    """

    def __init__(self, parents: tuple[Path, ...] | None = None) -> None:
        """Make the folder in the first of `parents` that takes it. Raises OSError."""
        if parents is None:
            parents = (_IN_MEMORY, Path(tempfile.gettempdir()))
        self.folder = _new_folder(parents)
        self._lock = _locked(self.folder)
        self._slots: set[int] = set()

    def begin(self) -> int | None:
        """A slot for a process that is about to be made, with files for its counts.

        None when there is no space for them: the process then counts in its own memory.
        """
        slot = next(number for number in itertools.count() if number not in self._slots)
        try:
            for kind, length in _BYTES.items():
                _reserve(self.folder / f"{kind}_{slot}.db", length)
        except OSError as error:
            log.error("metrics not shared", reason=type(error).__name__)
            return None
        self._slots.add(slot)
        return slot

    def end(self, slot: int) -> None:
        """Free the slot of a process that has ended, and forget what it was doing."""
        mark_process_dead(slot, str(self.folder))  # type: ignore[no-untyped-call]
        self._slots.discard(slot)

    def close(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)
        os.close(self._lock)


def _new_folder(parents: tuple[Path, ...]) -> Path:
    failure: OSError | None = None
    for parent in parents:
        for abandoned in _abandoned(parent):
            shutil.rmtree(abandoned, ignore_errors=True)
        try:
            return Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
        except OSError as error:
            failure = error
    raise failure or FileNotFoundError(_PREFIX)


def _abandoned(parent: Path) -> Iterator[Path]:
    """The folders whose service is gone: the kernel has taken its lock away."""
    for lock in parent.glob(f"{_PREFIX}*/{_LOCK}"):
        with suppress(OSError):
            os.close(_locked(lock.parent))
            yield lock.parent


def _locked(folder: Path) -> int:
    """The open lock of a folder, held until all processes that inherit it are gone.

    Raises BlockingIOError when another service holds it.
    """
    lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise
    return lock


def _reserve(path: Path, length: int) -> None:
    """Make an empty file of counts whose space is taken: a write never finds the disk full.

    It appears whole, because it may be read at any time. Raises OSError.
    """
    if path.exists():
        return
    draft = path.with_suffix(".draft")
    with draft.open("wb") as file:
        file.truncate(length)
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, length)
    draft.rename(path)
