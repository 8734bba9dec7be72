"""The service's PostgreSQL sessions: one per thread, with prepared generic plans."""

import re
import select
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, LiteralString, TypeVar

import psycopg

from features_pkg import queries
from service import log
from stores.postgres.connection import Connection, connect, postgres_address
from stores.postgres.generations import OtherServer, check_server, register_failover

Row = tuple[Any, ...]
Result = TypeVar("Result")

_SETTINGS: Final[tuple[LiteralString, ...]] = (
    "SET plan_cache_mode = force_generic_plan",
    # Every statement of a request finds a few rows by an index. None may read a whole table because
    # the statistics are old or lost, and none may compile a plan that runs for a millisecond.
    "SET enable_seqscan = off",
    "SET enable_hashjoin = off",
    "SET enable_mergejoin = off",
    "SET jit = off",
)
_FINAL: Final = ("25006", "57P0", "08")
"""How the SQLSTATEs begin that end a session: read-only server, shutdown, lost connection."""


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL with PostgreSQL's own `$1`, `$2`, …, and the names of those values in order."""

    text: str
    names: tuple[str, ...] = ()


def prepare(template: str, *values: str, **structure: object) -> Statement:
    """The statement of a query template, with one parameter for each of `values` that it uses.

    A value is one parameter however often the template uses it. The placeholders are PostgreSQL's
    own, because psycopg would otherwise look for its placeholders in each request (ADR 4).
    `structure` is what the template loops over.
    """
    text, parameters = queries.with_parameters(
        template, {**{name: name for name in values}, **structure}
    )
    names: list[str] = []

    def numbered(placeholder: re.Match[str]) -> str:
        name = str(parameters[placeholder[1]])
        if name not in names:
            names.append(name)
        return f"${names.index(name) + 1}"

    text = re.sub(r"%\((\w+)\)s", numbered, text)
    return Statement(text.replace("%%", "%"), tuple(names))


class _ThreadState(threading.local):
    """The session of a thread, and the generation of its server if that is known."""

    session: Connection | None = None
    is_read_only: bool = False
    generation: int | None = None
    other_server: OtherServer | None = None


class Database:
    """PostgreSQL for all threads of one process; each thread connects when it first needs to.

    A session that has ended is opened again; a statement that failed is not run again. A session
    that met a shutdown, a lost connection or a read-only server is ended, because it would stay
    read-only after its server is writable.
    """

    def __init__(self, url: str, *, statement_timeout: timedelta) -> None:
        self._url, self._statement_timeout = url, statement_timeout
        self._local = _ThreadState()

    @property
    def address(self) -> str:
        """`host:port/database`, without a password."""
        return postgres_address(self._url)

    @property
    def generation(self) -> int | None:
        """The generation of the server that this thread last read from; None if it has none yet."""
        return self._local.generation

    def session(self) -> Connection:
        """This thread's session, in autocommit mode, its server compared with that of the rows.

        Raises psycopg.Error, or PostgresUnavailable, also for a standby.
        """
        session = self.unchecked_session()
        if self._local.generation is None:
            self._check_server(session)
        return session

    def unchecked_session(self) -> Connection:
        """This thread's session, on whatever server and with whatever schema.

        Raises PostgresUnavailable.
        """
        session = self._local.session
        if session is None or self._local.is_read_only or _has_ended(session):
            session = self._connect(session)
        return session

    def run(self, statement: Statement, values: Mapping[str, object]) -> list[Row]:
        """The rows of one statement, run in a transaction of its own.

        Raises psycopg.Error or PostgresUnavailable.
        """
        return self.call(lambda session: _rows(session, statement, values))

    def store(self, statement: Statement, values: Mapping[str, object]) -> list[Row]:
        """The rows of a statement that stores rows, which belong to the server's generation.

        Raises OtherServer when the rows that are there are another server's, as after a restore,
        psycopg.Error or PostgresUnavailable.
        """

        def rows(session: Connection) -> list[Row]:
            if self._local.other_server is not None:
                raise self._local.other_server
            return _rows(session, statement, values)

        return self.call(rows)

    def call(self, work: Callable[[Connection], Result], *, checked: bool = True) -> Result:
        """What `work` returns for this thread's session; some of its errors end the session.

        Not `checked`, the session may be on any server. Raises what `work` does, and
        PostgresUnavailable.
        """
        session = self.session() if checked else self.unchecked_session()
        try:
            return work(session)
        except psycopg.Error as error:
            if _is_final(error):
                session.close()
            raise

    def close(self) -> None:
        """End this thread's session."""
        if self._local.session is not None:
            self._local.session.close()

    def _connect(self, ended: Connection | None) -> Connection:
        """A new session of this thread, in place of one that has ended."""
        self._local.session = self._local.generation = None
        if ended is not None:
            ended.close()
        session = connect(
            self._url,
            application_name="ontem serve",
            statement_timeout=self._statement_timeout,
            autocommit=True,
        )
        for setting in _SETTINGS:
            session.execute(setting)
        read_only = session.execute("SHOW transaction_read_only").fetchone()
        self._local.is_read_only = read_only == ("on",)
        self._local.session = session
        return session

    def _check_server(self, session: Connection) -> None:
        """Note the generation of the session's server, or that its rows are another server's."""
        self._local.other_server = None
        try:
            self._local.generation = self._generation_of(session)
        except OtherServer as other:
            self._local.other_server = other
        except BaseException:
            session.close()  # a standby, for one, may be promoted under its sessions
            raise

    def _generation_of(self, session: Connection) -> int:
        """The newest generation; that of a failover is registered. Raises OtherServer."""
        try:
            return check_server(session, self.address)
        except OtherServer as other:
            if not other.is_failover:
                raise
        generation = register_failover(session, self.address)
        log.info("failover registered", generation=generation)
        return generation


def _rows(session: Connection, statement: Statement, values: Mapping[str, object]) -> list[Row]:
    cursor = psycopg.RawCursor(session)
    parameters = [values[name] for name in statement.names]
    text = statement.text.encode()
    return cursor.execute(text, parameters, prepare=True, binary=True).fetchall()


def _has_ended(session: Connection) -> bool:
    """Whether the session is closed, or its server sent something unasked: usually its end."""
    if session.closed:
        return True
    unread_input = select.poll()
    unread_input.register(session.fileno(), select.POLLIN)
    return bool(unread_input.poll(0))


def _is_final(error: psycopg.Error) -> bool:
    """Whether a session that met this error is of no more use."""
    return error.sqlstate is not None and error.sqlstate.startswith(_FINAL)
