"""Both pasts of one order, read from PostgreSQL and Redis at the same time.

Redis is asked first, because PostgreSQL may have to be waited for before it can be asked. It takes
longer, so what Redis has answered is read meanwhile; a Redis that has not is waited for last. One
load is chosen per request. A past that could not be read is None, never empty.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TypeVar

from features_pkg.definitions.velocity import LONGEST_SERVED_RECENT_US
from features_pkg.engines.held import HeldByEntity
from features_pkg.engines.one_order import DistantPast
from features_pkg.history.recent_events import RecentEvent
from features_pkg.orders.order import Order
from service import distant, recent
from service.deadline import Deadline
from service.distant import DistantRead, EntityRequest
from service.errors import PastUnavailable
from service.hot.keeper import HotEntities
from service.hot.reading import HotReader
from service.online import OnlineStore, Question
from service.recent import RecentRead
from service.served_model import ServedModel
from service.session import Session

Read = TypeVar("Read")
AskRecent = Callable[..., Callable[[], RecentRead]]
"""What has the arguments of `recent.ask`."""


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
        """The recent events that were read, or None when not all could be."""
        return self.recent.events if self.recent is not None and self.recent.is_whole else None

    @property
    def held(self) -> HeldByEntity | None:
        """Further recent events, which the process holds."""
        return None if self.recent is None else self.recent.held


class PastReader:
    """Reads the past of orders for all threads of one process."""

    def __init__(
        self, served_model: ServedModel, online: OnlineStore, hot: HotEntities | None = None
    ) -> None:
        """Without `hot` all rows of every entity are read."""
        self._served_model, self._online = served_model, online
        self._ask_bounded = recent.ask if hot is None else HotReader(hot).ask

    def question(
        self, session: Session, merchant_id: int, order: Order, at_us: int, deadline: Deadline
    ) -> AbstractContextManager[Callable[[], PastReads]]:
        """Ask both stores; what the context gives takes their answers.

        They are what happened before `at_us`, as far as it is known by the deadline; never the
        order itself.
        """
        return self._question(self._ask_bounded, session, merchant_id, order, at_us, deadline)

    def read_slowly(
        self, session: Session, merchant_id: int, order: Order, at_us: int, deadline: Deadline
    ) -> PastReads:
        """The same from all rows, also of hot entities, if that can be done by the deadline."""
        question = self._question(recent.ask, session, merchant_id, order, at_us, deadline)
        with question as both_pasts:
            return both_pasts()

    @contextmanager
    def _question(
        self,
        ask_rows: AskRecent,
        session: Session,
        merchant_id: int,
        order: Order,
        at_us: int,
        deadline: Deadline,
    ) -> Iterator[Callable[[], PastReads]]:
        due_day = self._served_model.due_day(at_us)
        cutoff_us = self._served_model.calendar.cutoff_us(due_day)
        failures: list[str] = []

        def ask_recent(from_us: int) -> Callable[[], RecentRead | None]:
            """Ask for the recent events: they, or None, and why in `failures`."""
            from_us = min(at_us - LONGEST_SERVED_RECENT_US, from_us)
            answer = ask_rows(
                session, merchant_id, order, from_us=from_us, to_us=at_us, deadline=deadline
            )
            return lambda: _available(answer, failures)

        request = distant.entity_request(self._served_model.keys, merchant_id, order)
        with self._online.question(request.keys, deadline) as question:
            recent_answer = ask_recent(cutoff_us)

            def both_pasts() -> PastReads:
                is_there = question.has_answer
                if is_there:  # usually; PostgreSQL still looks
                    distant_read = self._receive(question, request, due_day, failures)
                recent_read = recent_answer()
                if not is_there:
                    distant_read = self._receive(question, request, due_day, failures)
                if distant_read is not None and recent_read is not None:
                    load_end_us = distant_read.load.cutoff_us
                    if load_end_us < cutoff_us:  # `since_cutoff` starts before what was read
                        recent_read = ask_recent(load_end_us)()
                    if recent_read is not None and _is_in_load(recent_read, load_end_us):
                        distant_read = None
                        failures.append("distant: has the order itself")
                if recent_read is not None and not recent_read.is_whole:
                    failures.append("recent: hot")
                return PastReads(distant_read, recent_read, tuple(failures))

            yield both_pasts

    def _receive(
        self, question: Question, request: EntityRequest, due_day: int, failures: list[str]
    ) -> DistantRead | None:
        max_stale_days = self._served_model.max_stale_days
        return _available(
            lambda: distant.receive(
                question, request, due_day=due_day, max_stale_days=max_stale_days
            ),
            failures,
        )


def _available(answer: Callable[[], Read], failures: list[str]) -> Read | None:
    """An answer, or None, and why in `failures`."""
    try:
        return answer()
    except PastUnavailable as missing:
        failures.append(missing.reason)
        return None


def _is_in_load(recent_read: RecentRead, load_end_us: int) -> bool:
    """Whether the load has the order's own event: it was imported, and is evaluated only now."""
    return recent_read.own_at_us is not None and recent_read.own_at_us < load_end_us
