"""The lock of `ontem store`: one at a time, and no model is trained on what is let go."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from features_pkg.errors import OntemError
from stores.postgres.connection import Connection

_LOCK: Final = 0x4F6E746563
"""The key of an advisory lock, "Ontec" in ASCII."""


class CleanRunning(OntemError):
    """Another process cleans or restores the offline store, or begins to train on it."""

    def __init__(self) -> None:
        super().__init__(
            "the offline store is being cleaned or restored by another process, or a training just "
            "begins: run the same command again when it is done"
        )


def lock_cleaning(connection: Connection) -> None:
    """Keep others from cleaning, restoring and beginning to train until this session ends.

    Raises CleanRunning.
    """
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", (_LOCK,)).fetchone()
    if row is None or not row[0]:
        raise CleanRunning


@contextmanager
def no_cleaning(connection: Connection, say: Callable[[str], None]) -> Iterator[None]:
    """Let no cleaning begin inside the block; one that runs is waited for."""
    row = connection.execute("SELECT pg_try_advisory_lock_shared(%s)", (_LOCK,)).fetchone()
    if row is not None and not row[0]:
        say("  waiting for `ontem store clean`")
        with connection.transaction():
            connection.execute("SET LOCAL lock_timeout = 0")
            connection.execute("SELECT pg_advisory_lock_shared(%s)", (_LOCK,))
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute("SELECT pg_advisory_unlock_shared(%s)", (_LOCK,))
