"""Which revision of the schema a database has, and which one this code needs."""

from importlib.resources import files

import psycopg

from features_pkg.errors import OntemError
from stores.postgres.connection import Connection


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


def check_schema(connection: Connection, address: str) -> None:
    """Raise SchemaRefused unless the database has the schema of this code."""
    needed = newest_revision()
    try:
        with connection.transaction():
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except psycopg.errors.UndefinedTable:
        row = None
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


def refuse_newer(revision: str, address: str) -> None:
    """Raise SchemaRefused for the revision of a newer program."""
    needed = newest_revision()
    if revision > needed:
        raise SchemaRefused(
            address=address,
            state=f"schema revision {revision}, which is newer than this program's {needed}",
            remedy="update Ontem here",
        )
