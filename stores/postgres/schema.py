"""Which revision of the schema a database has, and which one this code needs."""

import re
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Final, LiteralString

import psycopg

from features_pkg.errors import OntemError
from stores.checkout import empty_database_remedy
from stores.postgres.connection import Connection

RECORDED_MIGRATIONS: Final[LiteralString] = "SELECT to_jsonb(stack) ->> 'migrations_id' FROM stack"
"""The `migrations_id` that a database has; null where it lacks the column."""


class SchemaRefused(OntemError):
    """The database does not have the schema that this code works with.

    `state` and `remedy` are the sentence without the database's address.
    """

    def __init__(self, *, address: str, state: str, remedy: str) -> None:
        super().__init__(f"the database at {address} has {state}: {remedy}")
        self.address, self.state, self.remedy = address, state, remedy


def newest_revision() -> str:
    """The revision that this code needs: the number of the last file among the migrations."""
    folder = files("sql").joinpath("migrations", "versions")
    return max(path.name.split("_")[0] for path in folder.iterdir() if path.name.endswith(".py"))


@cache
def migrations_id() -> str:
    """What identifies the statements of all migrations; comments and line breaks do not count."""
    folder = files("sql").joinpath("migrations", "versions")
    paths = sorted(folder.iterdir(), key=lambda path: path.name)
    text = "\n".join(path.read_text("utf-8") for path in paths if path.name.endswith(".sql"))
    statements = re.sub("--.*", "", text).split()
    return sha256(" ".join(statements).encode()).hexdigest()[:12]


def check_schema(connection: Connection, address: str) -> None:
    """Raise SchemaRefused unless the database has the schema of this code."""
    needed = newest_revision()
    try:
        with connection.transaction():
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            recorded = connection.execute(RECORDED_MIGRATIONS).fetchone()
    except psycopg.errors.UndefinedTable:
        row = recorded = None
    if row is None:
        raise SchemaRefused(address=address, state="no schema", remedy="run `ontem migrate`")
    revision = str(row[0])
    if revision < needed:
        raise SchemaRefused(
            address=address,
            state=f"schema revision {revision} and not yet {needed}",
            remedy="run `ontem migrate`",
        )
    refuse_newer(revision, address)
    refuse_other(recorded[0] if recorded else None, address)


def refuse_newer(revision: str, address: str) -> None:
    """Raise SchemaRefused for the revision of a newer program."""
    needed = newest_revision()
    if revision > needed:
        raise SchemaRefused(
            address=address,
            state=f"schema revision {revision}, which is newer than this program's {needed}",
            remedy="update Ontem here",
        )


def refuse_other(recorded: object, address: str) -> None:
    """Raise SchemaRefused for this program's revision that was made by other statements.

    A migration is changed until it is released, and a database that an earlier form of it made is
    brought up to date by nothing.
    """
    if recorded != migrations_id():
        raise SchemaRefused(
            address=address,
            state=f"schema revision {newest_revision()}, but not as this program's migrations "
            "make it",
            remedy=empty_database_remedy(),
        )
