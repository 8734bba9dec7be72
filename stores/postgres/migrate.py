"""Bringing a database to the newest schema, as a development or a production stack."""

from datetime import timedelta
from importlib.resources import as_file, files
from typing import Final

import psycopg
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.util import CommandError
from sqlalchemy import Connection as SqlConnection
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from features_pkg.errors import OntemError
from features_pkg.orders.cards import card_key_id
from stores.postgres.card_key import CardKeyChanged
from stores.postgres.connection import connect, postgres_address
from stores.postgres.generations import MIGRATE_LOCK, REGISTER
from stores.postgres.schema import (
    RECORDED_MIGRATIONS,
    SchemaRefused,
    migrations_id,
    newest_revision,
    refuse_newer,
    refuse_other,
)
from stores.postgres.service_role import SERVICE_ROLE
from stores.settings import Environment

LOCK_LIMIT: Final = timedelta(seconds=5)
"""How long a migration waits for a table: orders that need it wait behind the migration."""


class SchemaInUse(OntemError):
    """Another session has a table that the migration changes, so nothing was changed."""

    def __init__(self, *, address: str) -> None:
        super().__init__(
            f"another session of {address} has had a table that the migration changes for more "
            f"than {LOCK_LIMIT.total_seconds():g} s, and orders would wait behind a longer wait: "
            "nothing was changed; run `ontem migrate` again when no import or other job runs"
        )
        self.address = address


class OtherEnvironment(OntemError):
    """The database was migrated as the other kind of stack."""

    def __init__(self, *, address: str, current: str, requested: str) -> None:
        super().__init__(
            f"{address} was migrated as {current} and cannot become {requested}: "
            f"set ONTEM_ENVIRONMENT={current}, or migrate an empty database"
        )
        self.address, self.current, self.requested = address, current, requested


def migrate(
    url: str,
    *,
    environment: Environment,
    card_key: bytes | None = None,
    is_new_card_key: bool = False,
) -> bool:
    """Create or complete the schema at `url`, all of it or nothing; a second call changes nothing.

    Returns whether the server has the role of the service, which has its rights then.

    A server that was restored or has failed over gets a new generation. Only the database of a
    development stack gets a clock that can be set. The id of the `card_key` is recorded; None
    records nothing. Calls at the same time wait for each other. The work takes as long as it takes;
    a table that another session has is waited for no longer than LOCK_LIMIT.

    Raises SchemaInUse then, PostgresUnavailable, and psycopg.Error for what PostgreSQL refuses.
    Raises SchemaRefused for the schema of another program. Raises OtherEnvironment when a
    development database is to become production, or a production database with orders is to become
    development. Raises CardKeyChanged when a database with orders has another card key, unless this
    one is declared to be new.
    """
    engine = create_engine(
        "postgresql+psycopg://",
        creator=lambda: connect(url, application_name="ontem migrate", lock_timeout=None),
        poolclass=NullPool,
    )
    try:
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATE_LOCK})
            connection.exec_driver_sql(
                f"SET LOCAL lock_timeout = {LOCK_LIMIT // timedelta(milliseconds=1)}"
            )
            _upgrade(connection, postgres_address(url))
            _fix_environment(connection, environment, postgres_address(url))
            if card_key is not None:
                _record_card_key(
                    connection, card_key, postgres_address(url), is_new=is_new_card_key
                )
            connection.execute(
                text(
                    "UPDATE stack SET migrations_id = :id WHERE migrations_id IS DISTINCT FROM :id"
                ),
                {"id": migrations_id()},
            )
            connection.exec_driver_sql(REGISTER)
            _run(connection, "owner_policies.sql")
            return _grant_rights(connection)
    except DBAPIError as error:
        if isinstance(error.orig, psycopg.errors.LockNotAvailable):
            raise SchemaInUse(address=postgres_address(url)) from None
        raise (
            error.orig or error
        ) from None  # psycopg's own, which every command has a sentence for


def _upgrade(connection: SqlConnection, address: str) -> None:
    """Run the revisions that the database does not have, in the caller's transaction.

    Raises SchemaRefused for a revision that this program does not have, or has in another form.
    """
    if revision := MigrationContext.configure(connection).get_current_revision():
        refuse_newer(revision, address)
    if revision == newest_revision():
        refuse_other(connection.scalar(text(RECORDED_MIGRATIONS)), address)
    with as_file(files("sql").joinpath("migrations")) as folder:
        config = Config()
        config.set_main_option("script_location", str(folder).replace("%", "%%"))
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError:  # it finds no way from that revision
            state = f"schema revision {revision}, which no migration of this program begins at"
            remedy = "set ONTEM_POSTGRES_URL to another database, or migrate an empty one"
            raise SchemaRefused(address=address, state=state, remedy=remedy) from None


def _fix_environment(connection: SqlConnection, requested: Environment, address: str) -> None:
    current = connection.scalar(text("SELECT environment FROM stack"))
    if current == requested:
        return
    if current == "development" or (current and _has_orders(connection)):
        raise OtherEnvironment(address=address, current=current, requested=requested)
    connection.execute(
        text(
            "INSERT INTO stack (environment) VALUES (:requested)"
            " ON CONFLICT (only_row) DO UPDATE SET environment = excluded.environment"
        ),
        {"requested": requested},
    )
    if requested == "development":
        _run(connection, "development_clock.sql")


def _grant_rights(connection: SqlConnection) -> bool:
    """Give the service's role what it needs; whether the server has that role."""
    has_role = connection.scalar(
        text("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = :role)"), {"role": SERVICE_ROLE}
    )
    if has_role:
        _run(connection, "service_rights.sql")
    return bool(has_role)


def _run(connection: SqlConnection, file: str) -> None:
    """Run the statements of a file of `sql/`."""
    statements = files("sql").joinpath(file).read_text(encoding="utf-8")
    connection.exec_driver_sql(statements, execution_options={"no_parameters": True})


def _record_card_key(
    connection: SqlConnection, card_key: bytes, address: str, *, is_new: bool
) -> None:
    recorded, here = connection.scalar(text("SELECT card_key_id FROM stack")), card_key_id(card_key)
    if recorded not in (None, here) and not is_new and _has_orders(connection):
        raise CardKeyChanged(address=address, recorded=recorded, here=here)
    connection.execute(text("UPDATE stack SET card_key_id = :here"), {"here": here})


def _has_orders(connection: SqlConnection) -> bool:
    return bool(connection.scalar(text("SELECT EXISTS (SELECT FROM orders)")))
