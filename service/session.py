"""PostgreSQL for one request: its statements end by the request's deadline, and none runs twice."""

from collections.abc import Callable, Mapping
from typing import TypeVar

import psycopg
from psycopg.pq import TransactionStatus

from features_pkg.errors import OntemError
from service import log
from service.breaker import Admission, Breaker
from service.deadline import Deadline
from service.pool import NoneReady, Pool
from service.statements import Statement, send
from stores.postgres.bounded import DeadlineMet, ends_session, has_ended
from stores.postgres.connection import PostgresUnavailable
from stores.postgres.generations import (
    OtherServer,
    StandbyRefused,
    check_server,
    register_failover,
)
from stores.postgres.pipelined import PipelinedConnection, Row, Sent

Result = TypeVar("Result")


class ServiceConnection(PipelinedConnection):
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

    It has one connection at a time, which it takes with the first statement. One that has ended, or
    of which an answer is outstanding, is exchanged for another before a statement; one that ends
    with a statement fails it.
    """

    def __init__(self, pool: Pool[ServiceConnection], breaker: Breaker, address: str) -> None:
        self._pool, self._breaker, self._address = pool, breaker, address
        self._connection: ServiceConnection | None = None
        self._attempt: _Attempt | None = None

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
        return self.send(statement, values, deadline).rows()

    def send(
        self, statement: Statement, values: Mapping[str, object], deadline: Deadline
    ) -> "Pending":
        """Send one statement, run in a transaction of its own: its rows, once they are there.

        They are taken before anything else is asked. Raises psycopg.Error or PostgresUnavailable.
        """
        return self._send(lambda connection: send(connection, statement, values), deadline)

    def store(
        self, statement: Statement, values: Mapping[str, object], deadline: Deadline
    ) -> "Pending":
        """Send a statement that stores rows, which belong to the server's generation.

        After an error it may have stored them all the same. Raises OtherServer when the rows that
        are there are another server's, as after a restore, psycopg.Error or PostgresUnavailable.
        """

        def stored(connection: ServiceConnection) -> Sent:
            if connection.other_server is not None:
                raise connection.other_server
            return send(connection, statement, values)

        return self._send(stored, deadline)

    def call(self, work: Callable[[ServiceConnection], Result], deadline: Deadline) -> Result:
        """What `work` returns for a connection, which it may use until the deadline.

        Raises what `work` does, DeadlineMet and PostgresUnavailable.
        """
        attempt = self._begin(deadline)
        result = attempt.do(work)
        attempt.end(is_answered=True)
        return result

    def close(self) -> None:
        """Give the connection back, or have it made anew if it is of no more use."""
        if self._attempt is not None:
            self._attempt.end(is_answered=False)
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if connection.is_reusable:
            self._pool.give_back(connection)
        elif connection.is_overdue and not connection.closed:
            self._pool.let_finish(connection)
        else:
            self._pool.drop(connection)

    def _send(self, work: Callable[[ServiceConnection], Sent], deadline: Deadline) -> "Pending":
        attempt = self._begin(deadline)
        return Pending(attempt, attempt.do(work))

    def _begin(self, deadline: Deadline) -> "_Attempt":
        """Begin to ask something, on a connection on which that can be done now."""
        if self._connection is not None and _is_spent(self._connection):
            self.close()
        admission = self._breaker.admit()
        if admission is None:
            raise self._unavailable("it did not answer lately")
        attempt = self._attempt = _Attempt(self._pool, self._breaker, admission, deadline.left())
        connection = attempt.connection = self._taken(attempt, deadline)
        connection.seconds_left = deadline.left
        attempt.seconds_given = deadline.left()  # without the wait for a connection
        if connection.generation is None:
            attempt.do(lambda connection: connection.note_server(self._address))
        return attempt

    def _taken(self, attempt: "_Attempt", deadline: Deadline) -> ServiceConnection:
        """The session's connection, or one that is ready in time."""
        try:
            if self._connection is None:
                self._connection = self._pool.take(deadline)
        except NoneReady as none:
            attempt.end(is_answered=False, is_fair=none.was_awaited)
            raise self._unavailable(f"no connection: {none.reason}") from None
        if not deadline.left():
            attempt.end(is_answered=False, is_fair=False)
            raise DeadlineMet("no time left")
        return self._connection

    def _unavailable(self, reason: str) -> PostgresUnavailable:
        return PostgresUnavailable(address=self._address, reason=reason)


class _Attempt:
    """One question to PostgreSQL. Its outcome is told to the breaker, once."""

    def __init__(
        self,
        pool: Pool[ServiceConnection],
        breaker: Breaker,
        admission: Admission,
        seconds_given: float,
    ) -> None:
        self._pool, self._breaker = pool, breaker
        self.connection: ServiceConnection
        self._admission: Admission | None = admission
        self.seconds_given = seconds_given

    def do(self, work: Callable[[ServiceConnection], Result]) -> Result:
        """What a part of the question returns for the connection; raises what it does."""
        try:
            return work(self.connection)
        except (psycopg.Error, OntemError) as error:
            self.end(is_answered=not (self.connection.closed or self.connection.is_overdue))
            if ends_session(error) or isinstance(error, StandbyRefused):
                self.connection.close()
            raise
        except BaseException:
            self.end(is_answered=False)
            raise

    def end(self, *, is_answered: bool, is_fair: bool = True) -> None:
        """Tell the outcome, unless it is told already. It counts if the store had time for it."""
        admission, self._admission = self._admission, None
        if admission and self._breaker.record(
            admission,
            is_answered=is_answered,
            seconds_given=self.seconds_given if is_fair else 0.0,
        ):
            self._pool.renew()


class Pending:
    """A statement that was sent, and whose answer is outstanding."""

    def __init__(self, attempt: _Attempt, sent: Sent) -> None:
        self._attempt, self._sent = attempt, sent

    def rows(self) -> list[Row]:
        """Its rows, to be taken once. Raises psycopg.Error."""
        rows = self._attempt.do(lambda _: self._sent.rows(keep_overdue=True))
        self._attempt.end(is_answered=True)
        return rows


def _is_spent(connection: ServiceConnection) -> bool:
    """Whether no statement can be sent on it."""
    is_idle = connection.pgconn.transaction_status == TransactionStatus.IDLE
    return not is_idle or has_ended(connection)
