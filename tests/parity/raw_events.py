"""Raw events with the transactions that brought them, and what they say as of a load."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache

from features_pkg.definitions.catalogue import served
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.history.past_orders import Happened, PastOrder, events_of
from features_pkg.identifiers import MERCHANT, Event, Identifier
from features_pkg.timelines.read import Line
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
class Extent:
    """The rows of a load: what happened before its day `as_of` and was recorded below its mark."""

    as_of: int
    mark: int

    @property
    def cut_us(self) -> int:
        return CALENDAR.cutoff_us(self.as_of)


@dataclass(frozen=True)
class Told:
    """A chargeback of an order, perhaps of one that is not there yet."""

    order_id: str
    at_us: int
    xid: int


@dataclass
class RawEvents:
    """All rows that were ever recorded; nothing is taken back."""

    orders: dict[str, tuple[PastOrder, int]] = field(default_factory=dict)
    told: list[Told] = field(default_factory=list)
    next_xid: int = 1

    def place(self, order_id: str, at_us: int, merchant: str, values: dict[str, str]) -> None:
        identifiers = {i: (values[i],) if i in values else () for i in worlds.IDENTIFIERS}
        order = PastOrder(merchant, order_id, at_us, 100 + self.next_xid, identifiers)
        self.orders[order_id] = (order, self._xid())

    def tell(self, order_id: str, at_us: int) -> None:
        self.told.append(Told(order_id, at_us, self._xid()))

    def _xid(self) -> int:
        self.next_xid += 1
        return self.next_xid - 1

    def seen_by(self, extent: Extent) -> list[PastOrder]:
        """The orders of a load, each with its first chargeback as that load knew it."""
        return [
            replace(order, chargeback_us=self._first(order, xid, extent))
            for order, xid in self.orders.values()
            if order.at_us < extent.cut_us and xid < extent.mark
        ]

    def _first(self, order: PastOrder, xid: int, extent: Extent) -> int | None:
        known = (
            max(told.at_us, order.at_us)
            for told in self.told
            if told.order_id == order.order_id and max(told.xid, xid) < extent.mark
        )
        return min((at_us for at_us in known if at_us < extent.cut_us), default=None)

    def happened(self) -> Iterator[tuple[int, int, PastOrder]]:
        """Every event as (instant, transaction, order); a chargeback waits for its order."""
        for order, xid in self.orders.values():
            yield order.at_us, xid, order
            for told in self.told:
                if told.order_id == order.order_id:
                    yield max(told.at_us, order.at_us), max(told.xid, xid), order


def snapshot(raw: RawEvents, extent: Extent) -> dict[bytes, bytes]:
    """The timelines of all entities, recomputed from the raw events."""
    return rows.snapshot(raw.seen_by(extent), extent.as_of, FEATURES)


def opaque(raw: RawEvents, extent: Extent) -> dict[bytes, bytes]:
    """Bytes that change when the timelines do, and are made in a fraction of the time."""
    found: dict[bytes, list[tuple[int, str, int]]] = {}
    for event in Event:
        for happened in events_of(event, raw.seen_by(extent)):
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


def summary(line: Line | None, wanted: int, *, distinct: bool) -> list[object]:
    """All that distant features can read off a line for the day `wanted`."""
    if line is None:
        return []
    counts = [(line.count(wanted, n), line.amount_cents(wanted, n)) for n in WINDOWS]
    values = [line.distinct(0, wanted, n) for n in WINDOWS] if distinct else []
    return [*counts, *values, line.first_us, line.last_us]


def counted(
    seen: list[PastOrder], entity: Entity, event: Event, wanted: int, *, distinct: bool
) -> list[object]:
    """The same, counted event by event."""
    mine = [h for h in events_of(event, seen) if entity in entities(h.order)]
    if not mine:
        return []
    windows = [[h for h in mine if _inside(h, wanted, n)] for n in WINDOWS]
    counts: list[object] = [
        (len(window), sum(h.order.amount_cents for h in window)) for window in windows
    ]
    values = [len({u for h in window for u in h.order.values(USER)}) for window in windows]
    instants = [happened.at_us for happened in mine]
    return [*counts, *(values if distinct else []), min(instants), max(instants)]


def _inside(happened: Happened, wanted: int, days: int | None) -> bool:
    return days is None or CALENDAR.day_of(happened.at_us) >= wanted - days
