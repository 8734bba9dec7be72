"""The service as it would be without a feature store: `python -m benchmarks.before_service ...`.

It takes the words of `ontem` and differs in one thing: it never asks Redis. The recent read has no
lower bound, and what lies before the snapshot's day is counted in the request, by the same engine.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Final, NamedTuple

from features_pkg.calendar import Calendar
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.engines.one_order import DistantPast
from features_pkg.history.recent_events import RecentEvent
from features_pkg.identifiers import IDENTIFIERS, MERCHANT, Event, Identifier
from features_pkg.orders.order import Order
from features_pkg.timelines.read import DayCounts, EventTimeline, Timeline
from ontem.cli import main
from service import recent, start
from service.deadline import Deadline
from service.distant import DistantRead, Entity
from service.hot.keeper import HotEntities
from service.online import OnlineStore
from service.past import PastReader, PastReads
from service.served_model import ServedModel
from service.session import Session
from service.statements import Statement
from stores.redis.load_list import Load

FIRST_US: Final = -30_000_000_000_000_000
"""In the year 1019: before every order."""
QUARTER_US: Final = 900_000_000
"""A civil day begins and ends at a quarter of an hour, in every zone."""
FIRST_ORDER: Final = Statement(
    b"SELECT (extract(epoch FROM min(event_at)) * 1000000)::bigint FROM orders"
    b" WHERE merchant_id = $1",
    ("merchant_id",),
)


class Days:
    """The civil days of instants, each quarter of an hour looked up once."""

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar
        self._by_quarter: dict[int, int] = {}

    def day_of(self, us: int) -> int:
        """The civil day of an instant."""
        quarter = us // QUARTER_US
        day = self._by_quarter.get(quarter)
        if day is None:
            day = self._by_quarter[quarter] = self._calendar.day_of(us)
        return day


def timeline_of(
    events: Iterable[RecentEvent], targets: Sequence[Identifier], days: Days
) -> EventTimeline:
    """What the events, which are all of one kind and entity, did."""
    counts: dict[int, int] = defaultdict(int)
    cents: dict[int, int] = defaultdict(int)
    last_days: list[dict[str, int]] = [{} for _ in targets]
    by_instant = sorted(events, key=lambda event: event.at_us)
    names = [(str(target), target.several) for target in targets]
    for event in by_instant:
        day = days.day_of(event.at_us)
        counts[day] += 1
        cents[day] += event.amount_cents
        for (name, several), last_day in zip(names, last_days, strict=True):
            value = getattr(event, name)
            if several:
                last_day.update(dict.fromkeys(value or (), day))
            elif value is not None:
                last_day[value] = day
    instants = (by_instant[0].at_us, by_instant[-1].at_us)
    listed = (list(counts), list(counts.values()), 0)
    return EventTimeline(
        0, instants, (list(cents.values()), 0), [listed, *map(_sightings, last_days)]
    )


def _sightings(last_day: Mapping[str, int]) -> DayCounts:
    """How many values were last seen on each day."""
    counts: dict[int, int] = defaultdict(int)
    for day in last_day.values():
        counts[day] += 1
    days = sorted(counts)
    return days, [counts[day] for day in days], 0


class EventAnswers(NamedTuple):
    """Both pasts of an order, read at once."""

    both: Callable[[], PastReads]

    def early_distant(self) -> None:
        """Nothing is there before both are."""


class EventReader(PastReader):
    """Reads all events of an order's entities, and makes both pasts of them."""

    def __init__(
        self, served_model: ServedModel, online: OnlineStore, hot: HotEntities | None = None
    ) -> None:
        """All rows of every entity are read, with `hot`, too."""
        super().__init__(served_model, online)
        self._days = Days(served_model.calendar)
        self._first_us: dict[int, int | None] = {}

    @contextmanager
    def question(
        self, session: Session, merchant_id: int, order: Order, at_us: int, deadline: Deadline
    ) -> Iterator[EventAnswers]:
        """What happened before `at_us`, from PostgreSQL alone."""
        yield EventAnswers(partial(self._read, session, merchant_id, order, at_us, deadline))

    def _read(
        self, session: Session, merchant_id: int, order: Order, at_us: int, deadline: Deadline
    ) -> PastReads:
        served = self._served
        due_day = served.due_day(at_us)
        cutoff_us = served.calendar.cutoff_us(due_day)
        read = recent.ask(
            session, merchant_id, order, from_us=FIRST_US, to_us=at_us, deadline=deadline
        )()
        before = [event for event in read.events if event.at_us < cutoff_us]
        timelines = _timelines(order, before, served.feature_set, self._days)
        timelines[MERCHANT, ""] = self._merchant(session, merchant_id, deadline)
        load = Load(0, due_day, cutoff_us, 0, "", 0)
        return PastReads(DistantRead(load, DistantPast(due_day, timelines)), read, ())

    def _merchant(self, session: Session, merchant_id: int, deadline: Deadline) -> Timeline | None:
        """The merchant's first order, which is looked up once: nothing ever changes it."""
        if merchant_id not in self._first_us:
            values = {"merchant_id": merchant_id}
            ((self._first_us[merchant_id],),) = session.run(FIRST_ORDER, values, deadline)
        first_us = self._first_us[merchant_id]
        if first_us is None:
            return None
        return Timeline(EventTimeline(0, (first_us, first_us), ([], 0), [([], [], 0)]), None)


def _timelines(
    order: Order, events: Iterable[RecentEvent], features: FeatureSet, days: Days
) -> dict[Entity, Timeline | None]:
    """The timeline of each entity of the order, None where nothing happened."""
    by_entity: dict[tuple[str, str, str], list[RecentEvent]] = defaultdict(list)
    for event in events:
        by_entity[event.identifier, event.value, event.event].append(event)
    timelines: dict[Entity, Timeline | None] = {}
    for identifier in IDENTIFIERS:
        field = getattr(order, identifier.value)
        for value in () if field is None else field if identifier.several else (field,):
            of_events = [
                timeline_of(found, features.timeline_targets.get((identifier, event), ()), days)
                if (found := by_entity.get((identifier, value, event)))
                else None
                for event in (Event.ORDER, Event.CHARGEBACK)
            ]
            timelines[identifier.value, value] = Timeline(*of_events) if any(of_events) else None
    return timelines


if __name__ == "__main__":
    vars(start)["PastReader"] = EventReader
    main()
