"""Which server the rows were recorded by, and whether this one is still it.

Transaction ids compare only within one life of a server (docs/semantics.md section 4.4). After a
restore or a failover the same rows are on another server, or on another timeline of the same one.
"""

from dataclasses import dataclass
from typing import Final, LiteralString

from features_pkg.errors import OntemError
from stores.postgres.connection import Connection, PostgresUnavailable

MIGRATE_LOCK: Final = 0x4F6E74656D
"""The key of an advisory lock, "Ontem" in ASCII: one session at a time changes schema or server."""

_COMPARE: Final[LiteralString] = """
SELECT g.generation, g.system_identifier, g.timeline_id, server.system_identifier,
       server.timeline_id
FROM ontem_server() AS server LEFT JOIN generations g ON g.generation = ontem_generation()
"""
LOST_LOAD_IDS: Final = 1_000
"""More loads than a server can have lost, when it goes on from a backup or as another one.

`ontem_register_server()` skips so many of their ids, because Redis and evaluations may name them.
"""
REGISTER: Final[LiteralString] = "SELECT ontem_register_server()"
"""Registers this server unless it is the newest one."""


class StandbyRefused(PostgresUnavailable):
    """The server is a standby: it stores nothing, and does not show what is in flight."""

    def __init__(self, *, address: str) -> None:
        super().__init__(address=address, reason="it is a standby")


class OtherServer(OntemError):
    """The rows were recorded by another server than the one that has them now."""

    def __init__(
        self, *, address: str, recorded_by: "ServerLife | None", now: "ServerLife"
    ) -> None:
        super().__init__(
            f"PostgreSQL at {address} is {now}, and its rows were recorded by "
            f"{recorded_by or 'a server that is not known'}: "
            "if it was restored or has failed over, run `ontem migrate`"
        )
        self.address, self.recorded_by, self.now = address, recorded_by, now

    @property
    def is_failover(self) -> bool:
        """Whether it is the same system on a later timeline: a standby that was promoted."""
        return (
            self.recorded_by is not None
            and self.now.system_identifier == self.recorded_by.system_identifier
            and self.now.timeline_id > self.recorded_by.timeline_id
        )


@dataclass(frozen=True, slots=True)
class ServerLife:
    """One life of a server: as what it was made, and how often it was promoted or restored."""

    system_identifier: int
    timeline_id: int

    def __str__(self) -> str:
        return f"system {self.system_identifier} on timeline {self.timeline_id}"


def check_server(connection: Connection, address: str) -> int:
    """The newest generation, if this is its server. Raises OtherServer, StandbyRefused."""
    with connection.transaction():
        ((generation, *lives),) = connection.execute(_COMPARE).fetchall()
    recorded_system, recorded_timeline, system, timeline = lives
    if not timeline:
        raise StandbyRefused(address=address)
    now = ServerLife(int(str(system)), int(str(timeline)))
    if generation is None:
        raise OtherServer(address=address, recorded_by=None, now=now)
    recorded_by = ServerLife(int(str(recorded_system)), int(str(recorded_timeline)))
    if now != recorded_by:
        raise OtherServer(address=address, recorded_by=recorded_by, now=now)
    return int(str(generation))


def register_failover(connection: Connection, address: str) -> int:
    """The newest generation; that of a server that has failed over is registered first.

    Sessions that notice the same failover wait for each other, and one of them registers it.
    Raises OtherServer for any other server, StandbyRefused.
    """
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (MIGRATE_LOCK,))
        try:
            return check_server(connection, address)
        except OtherServer as other:
            if not other.is_failover:
                raise
        connection.execute(REGISTER)
        return check_server(connection, address)
