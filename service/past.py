"""Both pasts of one order, read from Redis and PostgreSQL at the same time.

Redis is asked first, then PostgreSQL is read, and then Redis' answer is taken. One load is chosen
per request. A past that could not be read is None, never empty.
"""

import threading
from dataclasses import dataclass
from datetime import timedelta

from features_pkg.definitions.velocity import LONGEST_SERVED_RECENT_US
from features_pkg.engines.one_order import DistantPast
from features_pkg.history.recent_events import RecentEvent
from features_pkg.orders.order import Order
from service import distant, recent
from service.database import Database
from service.distant import DistantRead, EntityRequest
from service.errors import PastUnavailable
from service.recent import RecentRead
from service.served_model import ServedModel
from stores.redis.keys import Namespace
from stores.redis.reader import OnlineReader


@dataclass(frozen=True, slots=True)
class PastReads:
    """What could be read of one order's past; `failures` says why the rest could not."""

    distant: DistantRead | None
    recent: RecentRead | None
    failures: tuple[str, ...]

    @property
    def timelines(self) -> DistantPast | None:
        """The timelines of the order's entities, or None when they could not be read."""
        return None if self.distant is None else self.distant.past

    @property
    def events(self) -> tuple[RecentEvent, ...] | None:
        """The recent events, or None when they could not be read."""
        return None if self.recent is None else self.recent.events


class PastReader:
    """Reads the past of orders for all threads of one process; each connects at its first order."""

    def __init__(
        self,
        served_model: ServedModel,
        database: Database,
        *,
        redis_url: str,
        redis_timeout: timedelta,
    ) -> None:
        self._served_model, self._database = served_model, database
        self._redis_url, self._redis_timeout = redis_url, redis_timeout
        self._local = threading.local()

    def read(self, merchant_id: int, order: Order, at_us: int) -> PastReads:
        """What happened before `at_us`; the order itself is never in it.

        Raises PostgresUnavailable: without PostgreSQL nothing can be stored either.
        """
        due_day = self._served_model.due_day(at_us)
        cutoff_us = self._served_model.calendar.cutoff_us(due_day)
        failures: list[str] = []
        request = distant.entity_request(self._served_model.keys, merchant_id, order)
        is_sent = self._send(request, failures)
        recent_read = self._read_recent(merchant_id, order, cutoff_us, at_us, failures)
        distant_read = self._receive(request, due_day, failures) if is_sent else None
        if distant_read is not None and recent_read is not None:
            load_end_us = distant_read.load.cutoff_us
            if load_end_us < cutoff_us:  # stale: `since_cutoff` starts before what was read
                recent_read = self._read_recent(merchant_id, order, load_end_us, at_us, failures)
            if recent_read is not None and _is_in_load(recent_read, load_end_us):
                distant_read = None
                failures.append("distant: has the order itself")
        return PastReads(distant_read, recent_read, tuple(failures))

    def _read_recent(
        self, merchant_id: int, order: Order, cutoff_us: int, at_us: int, failures: list[str]
    ) -> RecentRead | None:
        """The recent events, or None, and why in `failures`."""
        from_us = min(at_us - LONGEST_SERVED_RECENT_US, cutoff_us)
        try:
            return recent.read(self._database, merchant_id, order, from_us=from_us, to_us=at_us)
        except PastUnavailable as missing:
            failures.append(missing.reason)
            return None

    def _send(self, request: EntityRequest, failures: list[str]) -> bool:
        """Whether Redis could be asked; if not, why in `failures`."""
        try:
            distant.send(self._reader(), request)
        except PastUnavailable as missing:
            failures.append(missing.reason)
            return False
        return True

    def _receive(
        self, request: EntityRequest, due_day: int, failures: list[str]
    ) -> DistantRead | None:
        """What Redis answered, or None, and why in `failures`."""
        try:
            return distant.receive(
                self._reader(),
                request,
                due_day=due_day,
                max_stale_days=self._served_model.max_stale_days,
            )
        except PastUnavailable as missing:
            failures.append(missing.reason)
            return None

    def _reader(self) -> OnlineReader:
        reader: OnlineReader | None = getattr(self._local, "reader", None)
        if reader is None:
            reader = OnlineReader(
                self._redis_url,
                Namespace.of(self._served_model.keys),
                timeout=self._redis_timeout,
            )
            self._local.reader = reader
        return reader


def _is_in_load(recent_read: RecentRead, load_end_us: int) -> bool:
    """Whether the load has the order's own event: it was imported, and is evaluated only now."""
    return recent_read.own_at_us is not None and recent_read.own_at_us < load_end_us
