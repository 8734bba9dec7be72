"""PostgreSQL for the checks of one process, apart from what requests use."""

from collections.abc import Callable
from datetime import timedelta
from typing import Final, TypeVar

import psycopg

from service.deadline import Deadline
from stores.postgres.bounded import BoundedConnection, ends_session, has_ended
from stores.postgres.connection import Connection, connect_as, postgres_address

Answer = TypeVar("Answer")
CONNECT_SECONDS: Final = 2


class CheckSession:
    """One session, on whatever server and with whatever schema; belongs to one thread.

    One that has ended is opened again, and so is one of which an answer took longer than `limit`.
    """

    def __init__(self, url: str, *, limit: timedelta) -> None:
        self._url, self._limit = url, limit
        self._connection: BoundedConnection | None = None

    @property
    def address(self) -> str:
        """`host:port/database`, without a password."""
        return postgres_address(self._url)

    def call(self, check: Callable[[Connection], Answer]) -> Answer:
        """What `check` returns for the session.

        Raises what `check` does, DeadlineMet and PostgresUnavailable.
        """
        connection = self._connection
        if connection is None or has_ended(connection):
            self.close()
            connection = self._connection = self._connect()
        connection.seconds_left = Deadline.within(self._limit).left
        try:
            return check(connection)
        except psycopg.Error as error:
            if ends_session(error):
                connection.close()
            raise

    def close(self) -> None:
        """End the session."""
        if self._connection is not None:
            self._connection.close()

    def _connect(self) -> BoundedConnection:
        limits = {"statement_timeout": self._limit, "lock_timeout": self._limit}
        return connect_as(
            BoundedConnection,
            self._url,
            "ontem serve",
            limits,
            autocommit=True,
            timeout_seconds=CONNECT_SECONDS,
        )
