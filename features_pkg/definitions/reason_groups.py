"""Which group of features has which reason: as data beside the catalogue, which reads its pairs."""

from __future__ import annotations

from typing import Final, TypeAlias

from features_pkg.definitions.derived import Derived, DerivedKind, Feature
from features_pkg.definitions.reasons import (
    BURST,
    CARD_TESTING,
    CASH_OUT,
    CHARGED_BACK_AGAIN,
    CHARGED_BACK_SHARE,
    DROP,
    LOSS,
    NEWCOMER,
    ORDER_FEATURE_REASONS,
    RING,
    SELLER_IN_IT,
    SELLER_TO_SELLER,
    SETTLED,
    SILENCE,
    SPEED_UP,
    STOLEN_IDENTITY,
    TAKEOVER,
    UNUSUAL_AMOUNT,
    Reason,
)
from features_pkg.definitions.velocity import Measure, Velocity
from features_pkg.identifiers import Event

Pair: TypeAlias = "tuple[str, str]"
DISTINCT_GROUPS: Final[tuple[tuple[Reason, tuple[Pair, ...]], ...]] = (
    (CARD_TESTING, (("device", "card"), ("ip", "card"), ("email", "card"), ("user", "card"))),
    (
        STOLEN_IDENTITY,
        (
            ("document", "zip_code"),
            ("document", "card"),
            ("document", "phone"),
            ("card", "zip_code"),
            ("card", "document"),
        ),
    ),
    (RING, (("phone", "document"), ("device", "document"), ("zip_code", "document"))),
    (TAKEOVER, (("user", "device"), ("user", "ip"))),
    (SELLER_IN_IT, (("seller", "card"), ("seller", "document"))),
)
"""The pairs (identifier, target) that are counted over a day and a month, by why."""

OTHER_DISTINCT: Final[tuple[tuple[Reason, tuple[Pair, ...]], ...]] = (
    (CARD_TESTING, (("product", "card"),)),
    (STOLEN_IDENTITY, (("document", "product"),)),
    (RING, (("device", "user"),)),
    (SELLER_TO_SELLER, (("card", "seller"), ("document", "seller"))),
)
"""Pairs that are counted over windows of their own."""

_OF_PAIR: Final = {
    pair: reason for reason, pairs in (*DISTINCT_GROUPS, *OTHER_DISTINCT) for pair in pairs
}
_OF_TARGET: Final = {"card": CARD_TESTING, "seller": SELLER_TO_SELLER}
_OF_IDENTIFIER: Final = {
    "document": STOLEN_IDENTITY,
    "card": STOLEN_IDENTITY,
    "user": TAKEOVER,
    "seller": SELLER_IN_IT,
}
"""For pairs that are not in the catalogue."""
_OF_MEASURE: Final = {
    (Measure.COUNT, Event.ORDER): BURST,
    (Measure.COUNT, Event.CHARGEBACK): CHARGED_BACK_AGAIN,
    (Measure.DISTINCT, Event.ORDER): RING,
    (Measure.DISTINCT, Event.CHARGEBACK): DROP,
    (Measure.AMOUNT, Event.ORDER): CASH_OUT,
    (Measure.AMOUNT, Event.CHARGEBACK): LOSS,
    (Measure.FIRST_AGE, Event.ORDER): NEWCOMER,
    (Measure.FIRST_AGE, Event.CHARGEBACK): CHARGED_BACK_AGAIN,
    (Measure.LAST_AGE, Event.ORDER): SILENCE,
    (Measure.LAST_AGE, Event.CHARGEBACK): CHARGED_BACK_AGAIN,
}

_OF_KIND: Final = {
    DerivedKind.MEAN: UNUSUAL_AMOUNT,
    DerivedKind.CHARGEBACK_SHARE: CHARGED_BACK_SHARE,
    DerivedKind.AMOUNT_TO_MEAN: UNUSUAL_AMOUNT,
}


def reason_of(feature: Feature) -> Reason:
    """Why a feature matters in fraud."""
    if isinstance(feature, str):
        return ORDER_FEATURE_REASONS[feature]
    if isinstance(feature, Derived):
        return _OF_KIND.get(feature.kind) or _of_pair(feature)
    return _of_velocity(feature)


def is_speed_up(derived: Derived) -> bool:
    """Whether it compares how often the same thing happened in two windows."""
    if len(derived.velocities) != 2 or derived.kind is not DerivedKind.QUOTIENT:
        return False
    one, other = derived.velocities
    same = (one.identifier, one.event, one.measure) == (
        other.identifier,
        other.event,
        other.measure,
    )
    return same and one.measure is Measure.COUNT


def _of_pair(derived: Derived) -> Reason:
    """The reason of a quotient or a difference: that of what it begins with, but for speed-ups."""
    return SPEED_UP if is_speed_up(derived) else reason_of(derived.operands[0])


def _of_velocity(velocity: Velocity) -> Reason:
    """The reason of the pair of a distinct count, else that of measure and event."""
    if velocity.window is not None and velocity.window.delay_days:
        return SETTLED
    if velocity.target is not None and velocity.event is Event.ORDER:
        pair = (str(velocity.identifier), str(velocity.target))
        return _OF_PAIR.get(pair) or _OF_TARGET.get(pair[1]) or _OF_IDENTIFIER.get(pair[0], RING)
    return _OF_MEASURE[velocity.measure, velocity.event]
