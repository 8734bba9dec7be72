"""The database's clock: the only one that decides when a row counts and which days are over."""

from datetime import UTC, datetime
from typing import cast

from features_pkg.errors import OntemError
from stores.postgres.connection import Connection


class ClockNotSettable(OntemError):
    """A clock was given for a database that keeps its own."""

    def __init__(self) -> None:
        super().__init__(
            "only a database that was migrated as development has a clock that can be set: "
            "leave out --clock"
        )


def database_clock(connection: Connection) -> datetime:
    """What the database takes for now, in UTC."""
    (row,) = connection.execute("SELECT ontem_clock()").fetchall()
    return cast(datetime, row[0]).astimezone(UTC)


def set_clock(connection: Connection, at: datetime) -> None:
    """Have `ontem_clock()` return `at` for the rest of this session.

    Raises ClockNotSettable unless the database was migrated as development.
    """
    row = connection.execute("SELECT environment FROM stack").fetchone()
    if row is None or row[0] != "development":
        raise ClockNotSettable
    connection.execute("SELECT set_config('ontem.clock', %s, false)", (at.isoformat(),))
