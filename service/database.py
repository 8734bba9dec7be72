"""The service's PostgreSQL sessions: one per thread, with prepared generic plans."""

import re
import select
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, LiteralString

import psycopg

from features_pkg import queries
from stores.postgres.connection import Connection, connect

Row = tuple[Any, ...]

_SETTINGS: Final[tuple[LiteralString, ...]] = (
    "SET plan_cache_mode = force_generic_plan",
    # Every statement of a request finds a few rows by an index. None may read a whole table because
    # the statistics are old or lost, and none may compile a plan that runs for a millisecond.
    "SET enable_seqscan = off",
    "SET enable_hashjoin = off",
    "SET enable_mergejoin = off",
    "SET jit = off",
)


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


class Database:
    """PostgreSQL for all threads of one process; each thread connects when it first needs to.

    A session that has ended is opened again; a statement that failed is not run again.
    """

    def __init__(self, url: str, *, statement_timeout: timedelta) -> None:
        self._url, self._statement_timeout = url, statement_timeout
        self._local = threading.local()

    def session(self) -> Connection:
        """This thread's session, in autocommit mode. Raises PostgresUnavailable."""
        session: Connection | None = getattr(self._local, "session", None)
        if session is not None and _has_ended(session):
            session.close()
            session = None
        if session is None:
            session = connect(
                self._url,
                application_name="ontem serve",
                statement_timeout=self._statement_timeout,
                autocommit=True,
            )
            for setting in _SETTINGS:
                session.execute(setting)
            self._local.session = session
        return session

    def run(self, statement: Statement, values: Mapping[str, object]) -> list[Row]:
        """The rows of one statement, run in a transaction of its own.

        Raises psycopg.Error or PostgresUnavailable.
        """
        cursor = psycopg.RawCursor(self.session())
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
