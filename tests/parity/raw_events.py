"""Raw events with the transactions that brought them, and what they say as of a load."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache

from features_pkg.definitions.catalogue import served
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.history.past_orders import PastEvent, PastOrder, events_of
from features_pkg.identifiers import MERCHANT, Event, Identifier
from features_pkg.timelines.read import EventTimeline
from stores.postgres.recorded_key import recorded_key
from stores.redis.load_list import Load
from tests.parity import rows, worlds

CALENDAR = rows.CALENDAR
WINDOWS: tuple[int | None, ...] = (1, 7, 90, None)
FEATURES = FeatureSet(
    CALENDAR.timezone,
    timedelta(hours=4),
    served(("card_orders_7d_distant", "card_distinct_user_orders_7d_distant",
            "card_chargebacks_7d_distant", "product_orders_7d_distant")),
)  # fmt: skip
USER = Identifier.USER
Entity = tuple[str, str, str]
"""Merchant, identifier and value."""


@dataclass(frozen=True)
class ReadBounds:
    """The rows of a load: before its day `as_of`, and recorded below its watermark.

    Transactions and watermarks are recorded keys, which have the generation in them.
    """

    as_of: int
    watermark: int

    @property
    def cutoff_us(self) -> int:
        return CALENDAR.cutoff_us(self.as_of)

    def load(self, load_id: int, entities: int, buckets: int) -> Load:
        """The load of those rows, as it is listed."""
        return Load(load_id, self.as_of, self.cutoff_us, entities, "", buckets)


@dataclass(frozen=True)
class Report:
    """A chargeback of an order, perhaps of one that is not there yet."""

    at_us: int
    xid: int


@dataclass
class RawEvents:
    """All rows that were ever recorded; nothing is taken back."""

    orders: dict[str, tuple[PastOrder, int]] = field(default_factory=dict)
    reports: dict[str, list[Report]] = field(default_factory=dict)
    """By the id of their order."""
    next_xid: int = 1
    generation: int = 1

    def place(self, order_id: str, at_us: int, merchant: str, values: dict[str, str]) -> None:
        identifiers = {i: (values[i],) if i in values else () for i in worlds.IDENTIFIERS}
        order = PastOrder(merchant, order_id, at_us, 100 + self.next_xid, identifiers)
        self.orders[order_id] = (order, self._xid())

    def tell(self, order_id: str, at_us: int) -> None:
        self.reports.setdefault(order_id, []).append(Report(at_us, self._xid()))

    def restore(self) -> None:
        """All rows are on another server from now on, whose transaction ids start again."""
        self.generation += 1
        self.next_xid = 1

    @property
    def watermark(self) -> int:
        """Above all that was recorded so far, below all that will be."""
        return recorded_key(self.generation, self.next_xid)

    def _xid(self) -> int:
        recorded = self.watermark
        self.next_xid += 1
        return recorded

    def seen_by(self, read_bounds: ReadBounds) -> list[PastOrder]:
        """The orders of a load, each with its first chargeback as that load knew it."""
        cutoff_us, watermark = read_bounds.cutoff_us, read_bounds.watermark
        seen = []
        for order, xid in self.orders.values():
            if order.at_us < cutoff_us and xid < watermark:
                first_us = self._first(order, xid, cutoff_us, watermark)
                known = first_us is not None
                seen.append(replace(order, chargeback_us=first_us) if known else order)
        return seen

    def is_all_in(self, read_bounds: ReadBounds) -> bool:
        """Whether a load has every row before its day that was recorded so far."""
        everything = replace(read_bounds, watermark=self.watermark)
        return self.seen_by(read_bounds) == self.seen_by(everything)

    def _first(self, order: PastOrder, xid: int, cutoff_us: int, watermark: int) -> int | None:
        known = (
            max(report.at_us, order.at_us)
            for report in self.reports.get(str(order.order_id), ())
            if max(report.xid, xid) < watermark
        )
        return min((at_us for at_us in known if at_us < cutoff_us), default=None)

    def happened(self) -> Iterator[tuple[int, int, PastOrder]]:
        """Every event as (instant, transaction, order); a chargeback waits for its order."""
        for order, xid in self.orders.values():
            yield order.at_us, xid, order
            for report in self.reports.get(str(order.order_id), ()):
                yield max(report.at_us, order.at_us), max(report.xid, xid), order


def snapshot(raw: RawEvents, read_bounds: ReadBounds) -> dict[bytes, bytes]:
    """The timelines of all entities, recomputed from the raw events."""
    return rows.snapshot(raw.seen_by(read_bounds), read_bounds.as_of, FEATURES)


def opaque(raw: RawEvents, read_bounds: ReadBounds) -> dict[bytes, bytes]:
    """Bytes that change when the timelines do, and are made in a fraction of the time."""
    found: dict[bytes, list[tuple[int, str, int]]] = {}
    seen = raw.seen_by(read_bounds)
    for event in Event:
        for happened in events_of(event, seen):
            for entity in entities(happened.order):
                what = (happened.at_us, event.value, happened.order.amount_cents)
                found.setdefault(key_of(entity), []).append(what)
    return {key: repr(sorted(what)).encode() for key, what in found.items()}


def entities(order: PastOrder) -> Iterator[Entity]:
    """What an order names, its merchant included."""
    yield str(order.merchant), MERCHANT, ""
    for identifier in ("card", "product"):
        for value in order.values(Identifier(identifier)):
            yield str(order.merchant), identifier, str(value)


@cache
def key_of(entity: Entity) -> bytes:
    """The entity's key."""
    merchant, identifier, value = entity
    return rows.KEYS.key(rows.MERCHANTS[merchant], identifier, value)


def summary(line: EventTimeline | None, due_day: int, *, distinct: bool) -> list[object]:
    """All that distant features can read off a line for the day `due_day`."""
    if line is None:
        return []
    counts = [(line.count(due_day, n), line.amount_cents(due_day, n)) for n in WINDOWS]
    values = [line.distinct(0, due_day, n) for n in WINDOWS] if distinct else []
    return [*counts, *values, line.first_us, line.last_us]


def counted(
    seen: list[PastOrder], entity: Entity, event: Event, due_day: int, *, distinct: bool
) -> list[object]:
    """The same, counted event by event."""
    mine = [h for h in events_of(event, seen) if entity in entities(h.order)]
    if not mine:
        return []
    windows = [[h for h in mine if _inside(h, due_day, n)] for n in WINDOWS]
    counts: list[object] = [
        (len(window), sum(h.order.amount_cents for h in window)) for window in windows
    ]
    values = [len({u for h in window for u in h.order.values(USER)}) for window in windows]
    instants = [happened.at_us for happened in mine]
    return [*counts, *(values if distinct else []), min(instants), max(instants)]


def _inside(happened: PastEvent, due_day: int, days: int | None) -> bool:
    return days is None or CALENDAR.day_of(happened.at_us) >= due_day - days
