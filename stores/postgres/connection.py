"""Connections to PostgreSQL, the system of record."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Final, TypeVar

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from features_pkg.errors import OntemError
from stores.checkout import server_remedy

CONNECT_TIMEOUT_SECONDS = 15
"""Of jobs and commands: a machine that has too much to do may need seconds for a session."""
LOCK_TIMEOUT = timedelta(seconds=30)

_REFUSAL: Final = re.compile(
    "FATAL: +((?:password authentication failed|no pg_hba.conf entry|permission denied for database"
    '|(?:role|database) ".*" (?:does not exist|is not permitted)).*)'
)
"""In English, as servers speak unless `lc_messages` says otherwise: libpq hides the code."""

Connection = psycopg.Connection[tuple[object, ...]]
Kind = TypeVar("Kind", bound=Connection)


class PostgresUnavailable(OntemError):
    """PostgreSQL did not answer at its address, or refused the user or the database."""

    def __init__(self, *, address: str, reason: str) -> None:
        super().__init__(
            f"PostgreSQL at {address} is not available ({reason}): "
            f"{server_remedy('ONTEM_POSTGRES_URL')}"
        )
        self.address, self.reason = address, reason


class LoginRefused(PostgresUnavailable):
    """PostgreSQL runs, and does not let this role, password, database or machine in."""

    def __init__(self, *, address: str, reason: str) -> None:
        OntemError.__init__(
            self,
            f"PostgreSQL at {address} refuses the login ({reason}): "
            "put role, password and database in ONTEM_POSTGRES_URL right",
        )
        self.address, self.reason = address, reason


def postgres_address(url: str) -> str:
    """`host:port/database` of a connection URL, for a message: it has no password."""
    parts = conninfo_to_dict(url)
    host, port = parts.get("host") or "localhost", parts.get("port") or 5432
    return f"{host}:{port}/{parts.get('dbname') or parts.get('user') or ''}"


def connect(
    url: str,
    *,
    application_name: str,
    statement_timeout: timedelta | None = None,
    lock_timeout: timedelta | None = LOCK_TIMEOUT,
    autocommit: bool = False,
) -> Connection:
    """A connection whose session runs in UTC; a timeout of None means no limit.

    The caller closes it; `with connect(...) as connection` also commits. Raises
    PostgresUnavailable when PostgreSQL does not answer within CONNECT_TIMEOUT_SECONDS.
    """
    limits = {"statement_timeout": statement_timeout, "lock_timeout": lock_timeout}
    return connect_as(psycopg.Connection, url, application_name, limits, autocommit=autocommit)


def connect_as(
    kind: type[Kind],
    url: str,
    application_name: str,
    limits: Mapping[str, timedelta | None],
    *,
    autocommit: bool,
    timeout_seconds: int = CONNECT_TIMEOUT_SECONDS,
) -> Kind:
    """A connection of a class of its own; `limits` are settings of its session.

    Raises PostgresUnavailable when PostgreSQL does not answer in time, and LoginRefused.
    """
    options = ["-c TimeZone=UTC"] + [
        f"-c {name}={round(limit.total_seconds() * 1000)}"
        for name, limit in limits.items()
        if limit
    ]
    try:
        return kind.connect(
            url,
            application_name=application_name,
            connect_timeout=timeout_seconds,
            options=" ".join(options),
            autocommit=autocommit,
            keepalives_idle=30,
            keepalives_interval=10,
            keepalives_count=3,
        )
    except psycopg.OperationalError as error:
        address = postgres_address(url)
        if refused := _REFUSAL.search(str(error)):
            raise LoginRefused(address=address, reason=refused[1]) from None
        raise PostgresUnavailable(address=address, reason=_first_sentence(error)) from None


def quote(value: object) -> str:
    """`value` as an SQL literal, quoted by psycopg: for drivers without parameters."""
    return sql.Literal(value).as_string(None)


def _first_sentence(error: psycopg.OperationalError) -> str:
    """The first line of libpq's message; hints follow on other lines."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0].rstrip("?.") if lines else type(error).__name__
