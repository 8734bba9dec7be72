"""The lock of `ontem retrain`: one at a time."""

from typing import Final

from features_pkg.errors import OntemError
from stores.postgres.connection import Connection

_LOCK: Final = 0x4F6E747274
"""The key of an advisory lock, "Ontrt" in ASCII."""


class RetrainRunning(OntemError):
    """Another process retrains on this database."""

    def __init__(self) -> None:
        super().__init__(
            "another `ontem retrain` runs on this database: look at `ontem nights`, and run it "
            "again when that has ended"
        )


def lock_retraining(connection: Connection) -> None:
    """Keep others from retraining until this session ends. Raises RetrainRunning."""
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", (_LOCK,)).fetchone()
    if row is None or not row[0]:
        raise RetrainRunning
