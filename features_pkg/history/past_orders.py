"""Orders and events as the reference engine reads them: one object each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from features_pkg.identifiers import Event, Identifier


@dataclass(frozen=True, slots=True)
class PastOrder:
    """An order as history knows it.

    `identifiers` holds tuples of values: one value at most, but for products.
    """

    merchant: object
    order_id: object
    at_us: int
    amount_cents: int = 0
    identifiers: Mapping[Identifier, tuple[object, ...]] = field(default_factory=dict)
    chargeback_us: int | None = None

    def values(self, identifier: Identifier) -> tuple[object, ...]:
        """Its different values of `identifier`; none of them null."""
        return tuple(dict.fromkeys(self.identifiers.get(identifier, ())))


@dataclass(frozen=True, slots=True)
class PastEvent:
    """One event: `order` was placed, or charged back, at `at_us`."""

    at_us: int
    order: PastOrder


def events_of(event: Event, orders: Iterable[PastOrder]) -> Iterator[PastEvent]:
    """Every event of this kind; a chargeback counts from when both it and its order are known."""
    for order in orders:
        if event is Event.ORDER:
            yield PastEvent(order.at_us, order)
        elif order.chargeback_us is not None:
            yield PastEvent(max(order.chargeback_us, order.at_us), order)
