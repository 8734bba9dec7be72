"""Where the Spark of this process has its scratch files, and what killed ones left of theirs."""

import fcntl
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Final

FOLDER: Final = "processes"


@cache
def own_folder(scratch: Path) -> Path:
    """A new folder below `scratch` for all sessions of this process: Java keeps to its first one.

    The process has a lock on it until it ends, in whatever way. Folders that nobody has a lock on
    are removed first: a Java that was killed left its blocks there. Where the file system has no
    locks they stay.
    """
    home = scratch.absolute() / FOLDER
    home.mkdir(parents=True, exist_ok=True)
    own = home / uuid.uuid4().hex
    with _nobody_else(home):  # who looks for folders without a lock does not find this one so
        for folder in home.iterdir():
            _remove_if_left(folder)
        own.mkdir()
        with suppress(OSError):
            fcntl.flock(_opened(own), fcntl.LOCK_EX)  # never closed
    return own


@contextmanager
def _nobody_else(home: Path) -> Iterator[None]:
    descriptor = _opened(home)
    try:
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _remove_if_left(folder: Path) -> None:
    descriptor = _opened(folder)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return
    else:
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(descriptor)


def _opened(folder: Path) -> int:
    return os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
