"""PostgreSQL for one request: its statements end by the request's deadline, and none runs twice."""

from collections.abc import Callable, Mapping
from typing import TypeVar

import psycopg
from psycopg.pq import TransactionStatus

from features_pkg.errors import OntemError
from service import log
from service.breaker import Breaker
from service.deadline import Deadline
from service.pool import NoneReady, Pool
from service.statements import Row, Statement, rows
from stores.postgres.bounded import BoundedConnection, DeadlineMet, ends_session, has_ended
from stores.postgres.connection import PostgresUnavailable
from stores.postgres.generations import (
    OtherServer,
    StandbyRefused,
    check_server,
    register_failover,
)

Result = TypeVar("Result")


class ServiceConnection(BoundedConnection):
    """A connection of the service, with what is known of the server that it leads to."""

    is_read_only: bool = False
    generation: int | None = None
    """That of the server; None while its rows are another server's."""
    other_server: OtherServer | None = None
    made_at: float = 0.0
    """In seconds of the monotonic clock."""

    def note_server(self, address: str) -> None:
        """Note the generation of the server, or that its rows are another server's.

        A failover is registered. Raises StandbyRefused, psycopg.Error.
        """
        self.generation, self.other_server = None, None
        try:
            self.generation = check_server(self, address)
        except OtherServer as other:
            if not other.is_failover:
                self.other_server = other
                return
            self.generation = register_failover(self, address)
            log.info("failover registered", generation=self.generation)

    @property
    def is_reusable(self) -> bool:
        """Whether another request may have it: no answer is outstanding, and it can be written."""
        is_idle = self.pgconn.transaction_status == TransactionStatus.IDLE
        return is_idle and not self.is_read_only


class Session:
    """One request's use of PostgreSQL; belongs to one thread, and ends with `close`.

    It has one connection at a time, which it takes with the first statement. One that has ended is
    exchanged for another before a statement; one that ends with a statement fails it.
    """

    def __init__(self, pool: Pool[ServiceConnection], breaker: Breaker, address: str) -> None:
        self._pool, self._breaker, self._address = pool, breaker, address
        self._connection: ServiceConnection | None = None

    @property
    def generation(self) -> int | None:
        """The generation of the server that was read last; None if its rows are another's."""
        return None if self._connection is None else self._connection.generation

    def run(
        self, statement: Statement, values: Mapping[str, object], deadline: Deadline
    ) -> list[Row]:
        """The rows of one statement, run in a transaction of its own.

        Raises psycopg.Error or PostgresUnavailable.
        """
        return self.call(lambda connection: rows(connection, statement, values), deadline)

    def store(
        self, statement: Statement, values: Mapping[str, object], deadline: Deadline
    ) -> list[Row]:
        """The rows of a statement that stores rows, which belong to the server's generation.

        After an error it may have stored them all the same. Raises OtherServer when the rows that
        are there are another server's, as after a restore, psycopg.Error or PostgresUnavailable.
        """

        def stored(connection: ServiceConnection) -> list[Row]:
            if connection.other_server is not None:
                raise connection.other_server
            return rows(connection, statement, values)

        return self.call(stored, deadline)

    def call(self, work: Callable[[ServiceConnection], Result], deadline: Deadline) -> Result:
        """What `work` returns for a connection, which it may use until the deadline.

        Raises what `work` does, DeadlineMet and PostgresUnavailable.
        """
        connection = self._taken(deadline)
        admission = self._breaker.admit()
        if admission is None:
            raise self._unavailable("it did not answer lately")
        connection.seconds_left, is_answered = deadline.left, False
        try:
            if connection.generation is None:
                connection.note_server(self._address)
            result = work(connection)
            is_answered = True
        except (psycopg.Error, OntemError) as error:
            is_answered = not connection.closed
            if ends_session(error) or isinstance(error, StandbyRefused):
                connection.close()
            raise
        finally:
            if self._breaker.record(admission, is_answered=is_answered):
                self._pool.renew()
        return result

    def close(self) -> None:
        """Give the connection back, or have it made anew if it is of no more use."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if connection.is_reusable:
            self._pool.give_back(connection)
        else:
            self._pool.drop(connection)

    def _taken(self, deadline: Deadline) -> ServiceConnection:
        """A connection on which a statement may be run now."""
        if self._breaker.refuses:
            raise self._unavailable("it did not answer lately")
        if self._connection is not None and has_ended(self._connection):
            self.close()
        if self._connection is None:
            try:
                self._connection = self._pool.take(deadline)
            except NoneReady as none:
                raise self._unavailable(f"no connection: {none.reason}") from None
        if not deadline.left():
            raise DeadlineMet("no time left")
        return self._connection

    def _unavailable(self, reason: str) -> PostgresUnavailable:
        return PostgresUnavailable(address=self._address, reason=reason)
