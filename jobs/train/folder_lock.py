"""One process at a time writes models into a folder."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from jobs.job import Say


@contextmanager
def only_writer(folder: Path, say: Say) -> Iterator[None]:
    """Inside, no other process of this machine writes a model into `folder`, which is made.

    One that does is waited for, and so said. The lock ends with its process. Where the file system
    has none, as some shared ones have not, nobody is waited for.
    """
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with suppress(OSError):
            _lock(descriptor, folder, say)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, folder: Path, say: Say) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say(f"waiting for another training that writes into {folder}")
        fcntl.flock(descriptor, fcntl.LOCK_EX)
