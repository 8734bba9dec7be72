"""Which rows are complete: final, the same for every connection, nothing missed, nothing twice.

The rule is docs/semantics.md section 4.3. Once the database's clock is past the cutoff and
`LATE_AFTER`, every transaction that could still store an event from before the cutoff has an id
below one that is taken now. When all of those have ended, what is below the oldest running id can
change no more.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, cast

from features_pkg.calendar import Calendar, from_us
from jobs.errors import DayNotOver, StillWriting
from stores.postgres.clock import database_clock
from stores.postgres.connection import Connection
from stores.postgres.recorded_key import recorded_key

LATE_AFTER: Final = timedelta(seconds=5)
POLL: Final = timedelta(milliseconds=200)
WAIT_LIMIT: Final = timedelta(minutes=10)

Say = Callable[[str], None]

_HOLDER: Final = """
SELECT format('%s (database process %s, database %s, in transaction since %s)',
              coalesce(nullif(application_name, ''), 'a session'), pid, datname, xact_start)
FROM pg_stat_activity
WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid()
ORDER BY age(backend_xid) DESC, pid LIMIT 1
"""
_PREPARED: Final = """
SELECT format('the prepared transaction %L of database %s', gid, database)
FROM pg_prepared_xacts ORDER BY age(transaction) DESC, gid LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class ReadBounds:
    """What a read covers: events before `cutoff`, rows recorded below `watermark_key`."""

    cutoff: datetime
    watermark: int
    generation: int

    @property
    def watermark_key(self) -> int:
        """`watermark` in its generation, as rows carry it."""
        return recorded_key(self.generation, self.watermark)


def complete_before(
    connection: Connection,
    as_of: date,
    calendar: Calendar,
    *,
    say: Say,
    limit: timedelta = WAIT_LIMIT,
) -> ReadBounds:
    """The read_bounds of everything that happened before the day `as_of`.

    `connection` is in autocommit: each statement has its own snapshot.
    Raises DayNotOver when the day began less than `LATE_AFTER` ago, or not yet; StillWriting as
    `settled` does.
    """
    cutoff = from_us(calendar.cutoff_us(as_of.toordinal()))
    now = database_clock(connection)
    if now <= cutoff + LATE_AFTER:
        raise DayNotOver(as_of=as_of, possible_at=cutoff + LATE_AFTER, now=now)
    watermark = settled(connection, say=say, limit=limit)
    (row,) = connection.execute("SELECT ontem_generation()").fetchall()
    return ReadBounds(cutoff=cutoff, watermark=watermark, generation=cast(int, row[0]))


def settled(connection: Connection, *, say: Say, limit: timedelta = WAIT_LIMIT) -> int:
    """A transaction id below which everything has ended, and which is newer than any begun before.

    Raises StillWriting when a transaction outlasts `limit`; it names the process.
    """
    own = _number(connection, "SELECT pg_current_xact_id()::text::bigint")
    oldest = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
    for turn in range(max(limit // POLL, 1)):
        xmin = _number(connection, oldest)
        if xmin >= own:
            return xmin
        if turn == 1:
            say(f"waiting for {_holder(connection)}")
        time.sleep(POLL.total_seconds())
    raise StillWriting(waited=limit, holder=_holder(connection))


def _number(connection: Connection, query: str) -> int:
    (row,) = connection.execute(query.encode()).fetchall()
    return cast(int, row[0])


def _holder(connection: Connection) -> str:
    for query in (_HOLDER, _PREPARED):
        row = connection.execute(query.encode()).fetchone()
        if row is not None:
            return str(row[0])
    return "a transaction that no session shows"
