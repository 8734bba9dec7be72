"""The kinds of derived features, and what each is made of."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from typing import Final, TypeAlias

from features_pkg.definitions.velocity import Measure, Past, Velocity
from features_pkg.errors import DefinitionError
from features_pkg.identifiers import Event

AMOUNT_CENTS: Final = "amount_cents"
"""The order feature that `DerivedKind.AMOUNT_TO_MEAN` divides."""

Operand: TypeAlias = "Velocity | str"
"""What a derived feature reads: a velocity, or a numeric order feature by its name."""


class DerivedKind(StrEnum):
    """How a derived feature is computed; the value is its word in feature names."""

    MEAN = "mean"
    CHARGEBACK_SHARE = "chargeback_share"
    AMOUNT_TO_MEAN = "amount_to_mean"
    QUOTIENT = "per"
    DIFFERENCE = "minus"


SHORT_KINDS: Final = (
    DerivedKind.MEAN,
    DerivedKind.CHARGEBACK_SHARE,
    DerivedKind.AMOUNT_TO_MEAN,
)
"""Those whose operands all follow from one velocity, so that a name need not have all of them."""


def read_kind(kind: str) -> DerivedKind:
    """The kind of that word; raises DefinitionError if there is none."""
    try:
        return DerivedKind(kind)
    except ValueError:
        words = ", ".join(DerivedKind)
        raise DefinitionError(f"kind {kind!r}", f"is not one of {words}") from None


def operands_of(kind: DerivedKind, velocity: Velocity) -> tuple[Operand, ...]:
    """The operands of a short kind, which follow from one of its velocities."""
    if kind is DerivedKind.CHARGEBACK_SHARE:
        return velocity, replace(velocity, event=Event.ORDER)
    count = replace(velocity, measure=Measure.COUNT)
    return (velocity, count) if kind is DerivedKind.MEAN else (AMOUNT_CENTS, velocity, count)


def can_begin(kind: DerivedKind, velocity: Velocity) -> bool:
    """Whether the operands of a short kind can follow from this velocity."""
    if kind is DerivedKind.CHARGEBACK_SHARE:
        return velocity.measure is Measure.COUNT and velocity.event is Event.CHARGEBACK
    is_of_orders = velocity.event is Event.ORDER or kind is DerivedKind.MEAN
    return velocity.measure is Measure.AMOUNT and is_of_orders


def is_same(left: Operand, right: Operand) -> bool:
    """Whether two velocities differ in how their window is written alone, as `24h` and `1d`."""
    if not (isinstance(left, Velocity) and isinstance(right, Velocity)):
        return False
    if left.window is None or right.window is None or left.window.span_us is None:
        return False
    spans_equal = left.window.span_us == right.window.span_us
    return spans_equal and left.past is Past.RECENT and replace(left, window=right.window) == right
