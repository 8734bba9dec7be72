"""Which rows are complete: final, and the same for every connection that reads them.

A row belongs to the past before a day by its `event_at`, but it may be stored a little later. So a
job waits (docs/semantics.md section 4.3). Once the database's clock is past the cutoff and
`LATE_AFTER`, a new row can't be from before the cutoff. Every transaction that began earlier has a
lower id than one that the job takes then. When all of those have ended, the lowest id that is still
running is the watermark: the rows of transactions below it change no more.
"""

import time
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, cast

from features_pkg.calendar import MICROSECOND, Calendar, from_us, to_us
from jobs.errors import DayNotOver, StillWriting
from jobs.job import Say
from stores.postgres.clock import database_clock
from stores.postgres.connection import Connection
from stores.postgres.recorded_key import recorded_key

LATE_AFTER: Final = timedelta(seconds=5)
POLL: Final = timedelta(milliseconds=200)
WAIT_LIMIT: Final = timedelta(minutes=10)

_OLDEST_SESSION: Final = """
SELECT format('%s (database process %s, database %s, in transaction since %s)',
              coalesce(nullif(application_name, ''), 'a session'), pid, datname, xact_start)
FROM pg_stat_activity
WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid()
ORDER BY age(backend_xid) DESC, pid LIMIT 1
"""
_OLDEST_PREPARED: Final = """
SELECT format('the prepared transaction %L of database %s', gid, database)
FROM pg_prepared_xacts ORDER BY age(transaction) DESC, gid LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Watermark:
    """Rows with a `recorded_key` below `key` are complete; `generation` is that of the server."""

    key: int
    generation: int


@dataclass(frozen=True, slots=True)
class ReadBounds:
    """What a job reads: events before `cutoff`, in rows recorded below `watermark_key`."""

    cutoff: datetime
    watermark: int
    generation: int

    @property
    def watermark_key(self) -> int:
        """`watermark` in its generation, as a `recorded_key`."""
        return recorded_key(self.generation, self.watermark)

    @property
    def newest(self) -> Watermark:
        """What has to be extracted before it is read."""
        return Watermark(self.watermark_key, self.generation)


def wait_for_read_bounds(
    connection: Connection,
    day: date,
    calendar: Calendar,
    *,
    say: Say,
    limit: timedelta = WAIT_LIMIT,
) -> ReadBounds:
    """The bounds within which everything that happened before `day` is read, once it is complete.

    `connection` is in autocommit: each statement has its own snapshot.
    Raises DayNotOver when the day has not begun, or less than `LATE_AFTER` ago; StillWriting as
    `wait_for_watermark` does.
    """
    cutoff = from_us(calendar.cutoff_us(day.toordinal()))
    now = database_clock(connection)
    if now <= cutoff + LATE_AFTER:
        raise DayNotOver(day=day, possible_at=cutoff + LATE_AFTER, now=now)
    watermark = wait_for_watermark(connection, say=say, limit=limit)
    generation = _number(connection, "SELECT ontem_generation()")
    return ReadBounds(cutoff=cutoff, watermark=watermark, generation=generation)


def newest_readable_day(now: datetime, calendar: Calendar) -> date:
    """The newest day whose past `wait_for_read_bounds` does not refuse at `now` as too early."""
    return date.fromordinal(calendar.day_of(to_us(now - LATE_AFTER - MICROSECOND)))


def wait_for_rows(connection: Connection, *, say: Say, limit: timedelta = WAIT_LIMIT) -> Watermark:
    """The watermark of all rows whose transactions began before the call.

    Raises StillWriting as `wait_for_watermark` does.
    """
    watermark = wait_for_watermark(connection, say=say, limit=limit)
    generation = _number(connection, "SELECT ontem_generation()")
    return Watermark(recorded_key(generation, watermark), generation)


def wait_for_watermark(connection: Connection, *, say: Say, limit: timedelta = WAIT_LIMIT) -> int:
    """The lowest id still running, once every transaction that began before the call has ended.

    Raises StillWriting when such a transaction outlasts `limit`; the sentence names the process.
    """
    own = _number(connection, "SELECT pg_current_xact_id()::text::bigint")
    oldest = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
    for turn in range(max(limit // POLL, 1)):
        xmin = _number(connection, oldest)
        if xmin >= own:
            return xmin
        if turn == 1:
            say(f"waiting for {_oldest_writer(connection)}")
        time.sleep(POLL.total_seconds())
    raise StillWriting(waited=limit, holder=_oldest_writer(connection))


def _number(connection: Connection, query: str) -> int:
    (row,) = connection.execute(query.encode()).fetchall()
    return cast(int, row[0])


def _oldest_writer(connection: Connection) -> str:
    for query in (_OLDEST_SESSION, _OLDEST_PREPARED):
        row = connection.execute(query.encode()).fetchone()
        if row is not None:
            return str(row[0])
    return "a transaction that no session shows"
