"""The service's sessions of PostgreSQL: one per thread, with prepared generic plans."""

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
    # Every statement of a request finds a few rows by an index, and none may ever read a table
    # because its statistics are old or lost, or compile a plan that runs for a millisecond.
    "SET enable_seqscan = off",
    "SET enable_hashjoin = off",
    "SET enable_mergejoin = off",
    "SET jit = off",
)


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL as PostgreSQL takes it, with `$1`, `$2`, …, and the names of those values in order."""

    text: str
    names: tuple[str, ...] = ()


def prepare(template: str, *values: str, **structure: object) -> Statement:
    """A query template rendered once, with one parameter for each of `values` that it uses.

    One value is one parameter however often it is used, and the text is PostgreSQL's own: psycopg
    would otherwise look for its placeholders in each request (ADR 4). `structure` is what the
    template loops over.
    """
    text, parameters = queries.with_parameters(
        template, {**{name: name for name in values}, **structure}
    )
    names: list[str] = []

    def number(found: re.Match[str]) -> str:
        name = str(parameters[found[1]])
        if name not in names:
            names.append(name)
        return f"${names.index(name) + 1}"

    numbered = re.sub(r"%\((\w+)\)s", number, text)
    return Statement(numbered.replace("%%", "%"), tuple(names))


class Database:
    """PostgreSQL for all threads of one process; each gets a session of its own when it first asks.

    A session that has ended meanwhile is opened anew; nothing is tried again.
    """

    def __init__(self, url: str, *, statement_timeout: timedelta) -> None:
        self._url, self._statement_timeout = url, statement_timeout
        self._local = threading.local()

    def session(self) -> Connection:
        """This thread's session, in autocommit. Raises PostgresUnavailable."""
        session: Connection | None = getattr(self._local, "session", None)
        if session is not None and _ended(session):
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
        """The rows of one statement in a transaction of its own.

        Raises psycopg.Error or PostgresUnavailable.
        """
        cursor = psycopg.RawCursor(self.session())
        given = [values[name] for name in statement.names]
        text = statement.text.encode()
        return cursor.execute(text, given, prepare=True, binary=True).fetchall()


def _ended(session: Connection) -> bool:
    """Whether the session broke, or its server has something to say: the end, if nothing else."""
    if session.closed:
        return True
    waiting = select.poll()
    waiting.register(session.fileno(), select.POLLIN)
    return bool(waiting.poll(0))
