"""The servers that a test session runs against, and the databases it makes there."""

import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psutil
import psycopg
from psycopg import sql

from ontem.stack import LocalStack
from stores.postgres.service_role import SERVICE_ROLE, create_service_role
from tests.class_archive import spark_java

FOLDER = "ontem-test-"
SHORT_JAVA = spark_java()
"""The variables of all that starts a Spark, which runs for seconds."""

_numbers = itertools.count(1)
_service_logins: dict[str, str] = {}
"""`role:password` of the service's role on each server, by its `host:port`."""


@dataclass(frozen=True, slots=True)
class Servers:
    """Where the session's PostgreSQL (any database of it) and Redis are."""

    postgres_url: str
    redis_url: str
    home: Path | None = None
    """The folder with all files of our own stack; None for servers from elsewhere."""


@contextmanager
def servers() -> Iterator[Servers]:
    """The servers that the environment names, else containers if asked for, else our own stack."""
    postgres = os.environ.get("ONTEM_TEST_POSTGRES_URL")
    redis = os.environ.get("ONTEM_TEST_REDIS_URL")
    if postgres and redis:
        yield Servers(postgres, redis)
    elif os.environ.get("ONTEM_TEST_CONTAINERS") == "1":
        with _containers() as found:
            yield found
    else:
        with own_stack() as stack:
            variables = stack.variables
            yield Servers(
                postgres or variables["ONTEM_POSTGRES_URL"],
                redis or variables["ONTEM_REDIS_URL"],
                stack.home,
            )


@contextmanager
def own_stack() -> Iterator[LocalStack]:
    """A throw-away stack that is up, and gone at the end whatever happens."""
    _remove_orphans()
    folder = Path(tempfile.mkdtemp(prefix=f"{FOLDER}{os.getpid()}-"))
    stack = LocalStack(folder, throwaway=True)
    try:
        stack.up()
        _note_login(stack.variables["ONTEM_POSTGRES_URL"], stack.variables["ONTEM_SERVICE_LOGIN"])
        yield stack
    finally:
        stack.remove()
        shutil.rmtree(folder, ignore_errors=True)


def _remove_orphans() -> None:
    """Stop what a session that was killed left behind."""
    for folder in Path(tempfile.gettempdir()).glob(f"{FOLDER}*-*"):
        pid = int(folder.name.removeprefix(FOLDER).split("-")[0])
        if not psutil.pid_exists(pid) and folder.stat().st_uid == os.getuid():
            LocalStack(folder, throwaway=True).remove()
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _containers() -> Iterator[Servers]:
    from testcontainers.postgres import PostgresContainer
    from testcontainers.redis import RedisContainer

    with PostgresContainer("postgres:18", driver=None) as postgres, RedisContainer("redis:8") as it:
        address = f"{it.get_container_host_ip()}:{it.get_exposed_port(6379)}"
        url = postgres.get_connection_url()
        with psycopg.connect(url, autocommit=True) as connection:
            create_service_role(connection, "service")
        _note_login(url, f"{SERVICE_ROLE}:service")
        yield Servers(url, f"redis://{address}/0")


def _note_login(url: str, login: str) -> None:
    _service_logins[urlsplit(url).netloc.rpartition("@")[2]] = login


def service_login(url: str) -> str:
    """ONTEM_SERVICE_LOGIN for a database of these servers; empty on servers from elsewhere."""
    return _service_logins.get(urlsplit(url).netloc.rpartition("@")[2], "")


def with_database(url: str, name: str) -> str:
    """`url` with `name` as its database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


@contextmanager
def a_database(server_url: str, *, template: str | None = None) -> Iterator[str]:
    """The URL of a database of its own, empty or a copy of `template`; dropped at the end."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    create = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
    if template is not None:
        create += sql.SQL(" TEMPLATE {} STRATEGY file_copy").format(sql.Identifier(template))
    _execute(server_url, create)
    try:
        yield with_database(server_url, name)
    finally:
        _execute(server_url, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _execute(url: str, statement: sql.Composed) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)
