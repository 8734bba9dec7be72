"""Both pasts of one order: Redis and PostgreSQL, asked at the same time and once each.

Redis is asked first, then PostgreSQL, and Redis' answer is taken when that of PostgreSQL is there.
The load is resolved once. What could not be read is None, never empty.
"""

import threading
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import psycopg

from features_pkg.history.recent_events import RecentEvent
from features_pkg.orders.order import Order
from service import distant, recent
from service.database import Database
from service.distant import Asked, Distant
from service.recent import RecentPast
from service.served_model import Served
from stores.redis.reader import OnlineReader, OnlineReadFailed

LONGEST_WINDOW_US: Final = 24 * 3_600 * 1_000_000
"""No recent window of the catalogue is longer, but `since_cutoff`, which may be 29 hours."""


@dataclass(frozen=True, slots=True)
class Past:
    """What could be read of one order's past; `failures` says why the rest could not."""

    distant: Distant
    recent: RecentPast | None
    failures: tuple[str, ...]

    @property
    def events(self) -> tuple[RecentEvent, ...] | None:
        """The recent events, or None when they could not be read."""
        return None if self.recent is None else self.recent.events


class Pasts:
    """Reads them for all threads of one process; each connects when it first asks."""

    def __init__(
        self, served: Served, database: Database, *, redis_url: str, redis_timeout: timedelta
    ) -> None:
        self._served, self._database = served, database
        self._redis_url, self._redis_timeout = redis_url, redis_timeout
        self._local = threading.local()

    def read(self, merchant_id: int, order: Order, at_us: int) -> Past:
        """The past before `at_us`, of which the order itself is no part.

        Raises PostgresUnavailable: without it nothing can be stored either.
        """
        served = self._served
        due_day = served.due_day(at_us)
        cutoff_us = served.calendar.cutoff_us(due_day)
        asked = distant.ask(served.keys, merchant_id, order)
        unsent = self._send(asked)
        lately, trouble = self._recent(merchant_id, order, cutoff_us, at_us)
        far = Distant(None, None, unsent) if unsent else self._receive(asked, due_day)
        if far.load is not None and far.load.cutoff_us < cutoff_us and lately is not None:
            # Stale: `since_cutoff` begins where that load ends, which is before what was read.
            lately, trouble = self._recent(merchant_id, order, far.load.cutoff_us, at_us)
        far = _without_itself(far, lately)
        return Past(far, lately, tuple(one for one in (far.failure, trouble) if one))

    def _recent(
        self, merchant_id: int, order: Order, cutoff_us: int, at_us: int
    ) -> tuple[RecentPast | None, str]:
        from_us = min(at_us - LONGEST_WINDOW_US, cutoff_us)
        try:
            past = recent.read(self._database, merchant_id, order, from_us=from_us, to_us=at_us)
        except psycopg.Error as cause:
            return None, f"recent: {type(cause).__name__}"
        return past, ""

    def _send(self, asked: Asked) -> str:
        """Ask Redis; the text is empty, or says why that was not possible."""
        try:
            self._reader().send(asked.keys)
        except OnlineReadFailed as failed:
            return f"distant: {failed.reason}"
        return ""

    def _receive(self, asked: Asked, due_day: int) -> Distant:
        return distant.receive(
            self._reader(), asked, due_day=due_day, max_stale=self._served.max_stale
        )

    def _reader(self) -> OnlineReader:
        reader: OnlineReader | None = getattr(self._local, "reader", None)
        if reader is None:
            reader = OnlineReader(
                self._redis_url,
                self._served.feature_set.timelines_id,
                timeout=self._redis_timeout,
            )
            self._local.reader = reader
        return reader


def _without_itself(far: Distant, lately: RecentPast | None) -> Distant:
    """`far`, or nothing where the order's own event is in it: an import that is evaluated later."""
    own_at_us = None if lately is None else lately.own_at_us
    if far.load is None or own_at_us is None or own_at_us >= far.load.cutoff_us:
        return far
    return Distant(None, None, "distant: has the order itself")
