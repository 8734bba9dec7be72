"""What a process holds of one entity, and for whom it is of use."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from features_pkg.engines.held import HeldByEntity
from features_pkg.history.held_events import HeldEvents
from features_pkg.identifiers import IDENTIFIERS, Event
from features_pkg.orders.order import Order

LATE_AFTER_US: Final = 5_000_000
"""How much older than its transaction a live event can be: the late rule (docs/semantics.md)."""


DropCause = Literal["import", "transaction", "generation", "room"]
"""Why an entity is held no more."""


class EntityName(NamedTuple):
    """An entity, as a key."""

    merchant_id: int
    identifier: str
    value: str


class Snapshot(NamedTuple):
    """A snapshot of PostgreSQL: the transactions that it does not show."""

    first_open: int
    """All before this one have ended."""
    first_new: int
    """This one and all after it had not ended."""
    open: frozenset[int]
    """Those between the two that had not ended."""

    @classmethod
    def of(cls, text: str) -> "Snapshot":
        """`10:20:10,14` as a snapshot."""
        first_open, first_new, listed = text.split(":")
        open_ones = frozenset(int(each) for each in listed.split(",") if each)
        return cls(int(first_open), int(first_new), open_ones)

    def has_ended(self, transaction: int) -> bool:
        """Whether it shows what this transaction did, if that was committed."""
        if transaction < self.first_open:
            return True
        return transaction < self.first_new and transaction not in self.open


@dataclass(frozen=True, slots=True, eq=False)
class HeldEntity:
    """The events of one entity from `from_us` on, as one snapshot of PostgreSQL showed them.

    It has orders before `until_us`, those of a product before `settled_us`, and chargebacks before
    `settled_us`. What a later snapshot shows besides counts from `settled_us` on, unless an import
    brought it, or a transaction of `open` did.
    """

    name: EntityName
    generation: int
    visible: str
    """The snapshot."""
    watermark: int
    """A transaction: it and all after it began after `settled_us`, but for the late rule."""
    open: frozenset[int]
    """The transactions before the watermark that had not ended."""
    from_us: int
    settled_us: int
    until_us: int
    orders: HeldEvents
    chargebacks: HeldEvents

    @property
    def nbytes(self) -> int:
        """How much memory it takes."""
        return self.orders.nbytes + self.chargebacks.nbytes

    def answers(self, from_us: int, to_us: int) -> bool:
        """Whether it is of use for a question about [from_us, to_us)."""
        return self.from_us <= from_us and self.until_us <= to_us

    def contradiction(self, seen: "Seen") -> "DropCause | None":
        """Why a later statement can't be answered with it; None if it can."""
        if seen.generation != self.generation:
            return "generation"
        if seen.newest_import >= (self.generation, self.watermark):
            return "import"
        if self.open:
            snapshot = Snapshot.of(seen.visible)
            if any(snapshot.has_ended(each) for each in self.open):
                return "transaction"
        return None


class Seen(NamedTuple):
    """What a statement says of the state of PostgreSQL."""

    visible: str
    generation: int | None
    newest_import: tuple[int, int] = (0, 0)
    """Generation and transaction of the merchant's newest import."""


def names_of(merchant_id: int, order: Order) -> list[EntityName]:
    """The entities that an order names."""
    names = []
    for identifier in IDENTIFIERS:
        value = getattr(order, identifier)
        values = value if identifier.several else (value,)
        names += [EntityName(merchant_id, identifier, each) for each in values if each is not None]
    return names


def held_events(held: Iterable[HeldEntity]) -> HeldByEntity:
    """What is held, as the engine takes it."""
    events = {}
    for entity in held:
        _, identifier, value = entity.name
        events[identifier, value, str(Event.ORDER)] = entity.orders
        events[identifier, value, str(Event.CHARGEBACK)] = entity.chargebacks
    return events


def oldest_watermark(held: Collection[HeldEntity]) -> int:
    """The watermark after which nobody may have imported."""
    return min(entity.watermark for entity in held)
