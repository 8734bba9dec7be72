"""Connections to PostgreSQL on which every wait for the server ends in time.

No setting of a session bounds the wait for a server that is frozen, or that sends one byte at a
time. psycopg waits for its socket, so the end of that wait is the bound.
"""

import select
from collections.abc import Callable
from typing import Any, Final, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.errors import _WaitTimeout

Result = TypeVar("Result")
_FINAL: Final = ("25006", "57P0", "08", "0A000", "26000")
"""How the SQLSTATEs begin that end a session: read-only server, shutdown, lost connection, and what
meets a prepared statement from before a migration, or one that a pooler has forgotten."""


class DeadlineMet(psycopg.OperationalError):
    """The server did not answer in time. What it was asked for may be done all the same."""


class BoundedConnection(psycopg.Connection[tuple[object, ...]]):
    """A connection that is closed, without waiting, by an answer that does not come in time."""

    seconds_left: Callable[[], float] | None = None
    """How long an answer may take from now on; None is without a limit."""

    def wait(
        self, gen: PQGen[Result], interval: float = 0.1, timeout: float | None = None
    ) -> Result:
        """Wait as psycopg does, but no longer than `seconds_left`. Raises DeadlineMet."""
        try:
            return self.wait_in_time(gen, interval, timeout)
        except DeadlineMet:
            self.close()
            raise

    def wait_in_time(
        self, gen: PQGen[Result], interval: float = 0.1, timeout: float | None = None
    ) -> Result:
        """The same, but the connection stays open: its answer will come, or not."""
        if self.seconds_left is not None:
            timeout = self.seconds_left()
        try:
            return super().wait(gen, interval, timeout)
        except _WaitTimeout:
            raise DeadlineMet("no answer in time") from None


def has_ended(connection: psycopg.Connection[Any]) -> bool:
    """Whether it is closed, or its server sent something unasked: usually the session's end."""
    if connection.closed:
        return True
    unread_input = select.poll()
    unread_input.register(connection.fileno(), select.POLLIN)
    return bool(unread_input.poll(0))


def ends_session(error: Exception) -> bool:
    """Whether a session that met this error is of no more use.

    One that met a shutdown, a lost connection or a read-only server would stay as it is after the
    server is well again. So would one whose prepared statements do not fit or are gone.
    """
    sqlstate = getattr(error, "sqlstate", None)
    return sqlstate is not None and sqlstate.startswith(_FINAL)
