"""PostgreSQL for the requests of one process."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final, LiteralString

from service.deadline import Deadline
from service.pool import Maker
from service.pooled_store import PooledStore
from service.session import ServiceConnection, Session
from stores.postgres.bounded import has_ended
from stores.postgres.connection import LOCK_TIMEOUT, connect_as, postgres_address

CONNECT_SECONDS: Final = 2
"""How long PostgreSQL may take to connect, and then to answer what makes a session ready."""
PREPARE_SECONDS: Final = 5
"""How long it may then plan statements: work of its processor, which may be busy."""
READ_ONLY_SECONDS: Final = 1.0
"""How long a session on a read-only server is ready; it would stay so when the server is not."""

_SETTINGS: Final[tuple[LiteralString, ...]] = (
    "SET plan_cache_mode = force_generic_plan",
    # Every statement of a request finds a few rows by an index. None may read a whole table because
    # the statistics are old or lost, and none may compile a plan that runs for a millisecond.
    "SET enable_seqscan = off",
    "SET enable_hashjoin = off",
    "SET enable_mergejoin = off",
    # Each look-up is of another order, so remembering them costs time and saves none.
    "SET enable_memoize = off",
    "SET jit = off",
)


class Database(PooledStore[ServiceConnection]):
    """PostgreSQL for all threads of one process, in sessions with prepared generic plans."""

    def __init__(
        self,
        url: str,
        *,
        statement_timeout: timedelta,
        connections: int = 4,
        prepare: Callable[[ServiceConnection], None] = lambda _: None,
    ) -> None:
        """`prepare` does what the first request of a connection would wait for."""
        self._prepare = prepare
        self._url, self._statement_timeout = url, statement_timeout
        self.address = postgres_address(url)
        """`host:port/database`, without a password."""
        maker = Maker(
            "postgresql",
            self._make,
            ServiceConnection.close,
            _is_usable,
            finish=ServiceConnection.drop_answer,
        )
        super().__init__(maker, connections)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """PostgreSQL for one request; nothing is taken before its first statement."""
        session = Session(self._pool, self._breaker, self.address)
        try:
            yield session
        finally:
            session.close()

    def _make(self) -> ServiceConnection:
        """A connection that is ready for a request, its server compared with that of the rows.

        Raises psycopg.Error, or PostgresUnavailable, also for a standby.
        """
        connection = connect_as(
            ServiceConnection,
            self._url,
            "ontem serve",
            {"statement_timeout": self._statement_timeout, "lock_timeout": LOCK_TIMEOUT},
            autocommit=True,
            timeout_seconds=CONNECT_SECONDS,
        )
        connection.prepare_threshold = None  # see PipelinedConnection
        connection.made_at = time.monotonic()
        connection.seconds_left = Deadline.within(timedelta(seconds=CONNECT_SECONDS)).left
        try:
            for setting in _SETTINGS:
                connection.execute(setting)
            read_only = connection.execute("SHOW transaction_read_only").fetchone()
            connection.is_read_only = read_only == ("on",)
            connection.note_server(self.address)
            connection.seconds_left = Deadline.within(timedelta(seconds=PREPARE_SECONDS)).left
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection


def _is_usable(connection: ServiceConnection) -> bool:
    """Whether a connection that nobody uses is of use still."""
    if connection.is_read_only and time.monotonic() > connection.made_at + READ_ONLY_SECONDS:
        return False
    return not has_ended(connection)
