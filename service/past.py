"""Both pasts of one order, read from PostgreSQL and Redis at the same time.

Redis is asked first, because PostgreSQL may have to be waited for before it can be asked. It takes
longer, so what Redis has answered is read meanwhile; a Redis that has not is waited for last. One
load is chosen per request. A past that could not be read is None, never empty.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Protocol, TypeVar

from features_pkg.definitions.window import LONGEST_SERVED_RECENT_US
from features_pkg.engines.held import HeldByEntity
from features_pkg.engines.one_order import DistantPast
from features_pkg.history.recent_events import RecentEvent
from features_pkg.orders.order import Order
from service import distant, recent
from service.deadline import Deadline
from service.distant import DistantRead
from service.errors import PastUnavailable
from service.hot.keeper import HotEntities
from service.hot.reading import HotReader
from service.online import OnlineStore, Question
from service.recent import RecentRead
from service.served_model import ServedFeatures
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
        self, served: ServedFeatures, online: OnlineStore, hot: HotEntities | None = None
    ) -> None:
        """Without `hot` all rows of every entity are read."""
        self._served, self._online = served, online
        self._ask_bounded = recent.ask if hot is None else HotReader(hot).ask

    def question(
        self, session: Session, merchant_id: int, order: Order, at_us: int, deadline: Deadline
    ) -> AbstractContextManager["PastAnswers"]:
        """Ask both stores; what the context gives takes their answers.

        They are what happened before `at_us`, as far as it is known by the deadline; never the
        order itself.
        """
        return self._question(self._ask_bounded, session, merchant_id, order, at_us, deadline)

    def read_slowly(
        self, session: Session, merchant_id: int, order: Order, at_us: int, deadline: Deadline
    ) -> PastReads:
        """The same from all rows, also of hot entities, if that can be done by the deadline."""
        with self._question(recent.ask, session, merchant_id, order, at_us, deadline) as answers:
            return answers.both()

    @contextmanager
    def _question(
        self,
        ask_rows: AskRecent,
        session: Session,
        merchant_id: int,
        order: Order,
        at_us: int,
        deadline: Deadline,
    ) -> Iterator["PastAnswers"]:
        def ask_recent(from_us: int) -> Callable[[], RecentRead]:
            from_us = min(at_us - LONGEST_SERVED_RECENT_US, from_us)
            return ask_rows(
                session, merchant_id, order, from_us=from_us, to_us=at_us, deadline=deadline
            )

        request = distant.entity_request(self._served.keys, merchant_id, order)
        due_day = self._served.due_day(at_us)
        cutoff_us = self._served.calendar.cutoff_us(due_day)
        max_stale_days = self._served.max_stale_days
        with self._online.question(request.keys, deadline) as question:

            def receive() -> DistantRead:
                return distant.receive(
                    question, request, due_day=due_day, max_stale_days=max_stale_days
                )

            yield StoreAnswers(question, receive, ask_recent, cutoff_us)


class PastAnswers(Protocol):
    """The answers about one order's past, which was asked for."""

    def early_distant(self) -> DistantRead | None:
        """The distant past, if it has come already; the recent one may still be on its way."""

    def both(self) -> PastReads:
        """Both pasts; the answers are waited for."""


class StoreAnswers:
    """The answers of Redis, which was asked before, and of PostgreSQL, which is asked now."""

    def __init__(
        self,
        question: Question,
        receive: Callable[[], DistantRead],
        ask_recent: Callable[[int], Callable[[], RecentRead]],
        cutoff_us: int,
    ) -> None:
        """`ask_recent` asks PostgreSQL for what happened from an instant on."""
        self._question, self._receive = question, receive
        self._ask_recent, self._cutoff_us = ask_recent, cutoff_us
        self._recent_answer = ask_recent(cutoff_us)
        self._distant: DistantRead | None = None
        self._has_distant = False
        """Whether Redis' answer was taken, whatever it was."""
        self._failures: list[str] = []

    def early_distant(self) -> DistantRead | None:
        """What Redis says, if it has answered, as it usually has while PostgreSQL still looks."""
        if self._question.has_answer:
            self._take_distant()
        return self._distant

    def both(self) -> PastReads:
        """Both pasts; the answers are waited for."""
        recent_read = _available(self._recent_answer, self._failures)
        if not self._has_distant:
            self._take_distant()
        distant_read = self._distant
        if distant_read is not None and recent_read is not None:
            load_end_us = distant_read.load.cutoff_us
            if load_end_us < self._cutoff_us:  # `since_cutoff` starts before what was read
                recent_read = _available(self._ask_recent(load_end_us), self._failures)
            if recent_read is not None and _is_in_load(recent_read, load_end_us):
                distant_read = None
                self._failures.append("distant: has the order itself")
        if recent_read is not None and not recent_read.is_whole:
            self._failures.append("recent: hot")
        return PastReads(distant_read, recent_read, tuple(self._failures))

    def _take_distant(self) -> None:
        self._distant, self._has_distant = _available(self._receive, self._failures), True


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
