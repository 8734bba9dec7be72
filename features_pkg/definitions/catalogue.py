"""The velocities and derived features that ship, as data. To add one, add its line here."""

from __future__ import annotations

from collections.abc import Iterable

from features_pkg.definitions.derived import Derived, parse_feature
from features_pkg.definitions.reason_groups import DISTINCT_GROUPS
from features_pkg.definitions.velocity import Past, Velocity, parse_name
from features_pkg.definitions.window import LONGEST_SERVED_RECENT_US, Window
from features_pkg.errors import DefinitionError
from features_pkg.identifiers import IDENTIFIERS, Event, Identifier

ORDER_WINDOWS = {
    Past.RECENT: ("10m", "1h", "6h", "24h", "since_cutoff"),
    Past.DISTANT: ("1d", "7d", "30d", "90d", "ever"),
}
CHARGEBACK_WINDOWS = {
    Past.RECENT: ("24h", "since_cutoff"),
    Past.DISTANT: ("30d", "ever"),
}

COUNTS = tuple(
    f"{identifier}_{event.plural}_{window}_{past}"
    for event, windows_of in (
        (Event.ORDER, ORDER_WINDOWS),
        (Event.CHARGEBACK, CHARGEBACK_WINDOWS),
    )
    for identifier in IDENTIFIERS
    for past, windows in windows_of.items()
    for window in windows
)

OTHER_COUNTS: tuple[str, ...] = ()
"""Counts in other windows, of one identifier alone."""

DELAYED_COUNTS = (
    # What many people share: how often it came and was charged back in the month before the last
    # week. A burst of today's orders changes neither, nor the share of the two.
    *(
        f"{identifier}_{event.plural}_30d_delay_7d_distant"
        for identifier in ("device", "ip", "zip_code", "product")
        for event in Event
    ),
    # Where fraud happens that is known a week later: the orders of the week before last, and the
    # chargebacks of last week, which are mostly of these.
    *(
        f"{identifier}_{events}_distant"
        for identifier in ("device", "product", "seller")
        for events in ("chargebacks_7d", "orders_7d_delay_7d")
    ),
    # What was usual before the last week, for what is new in it.
    "card_orders_30d_delay_7d_distant",
    "document_orders_30d_delay_7d_distant",
)

DISTINCT_PAIRS = tuple(pair for _, pairs in DISTINCT_GROUPS for pair in pairs)
DISTINCTS = (
    *(
        f"{identifier}_distinct_{target}_orders_{window}"
        for identifier, target in DISTINCT_PAIRS
        for window in ("24h_recent", "30d_distant")
    ),
    "device_distinct_card_orders_1h_recent",
    "device_distinct_user_orders_ever_distant",
    "document_distinct_zip_code_orders_7d_distant",
    "document_distinct_product_orders_30d_distant",
    "product_distinct_card_orders_1h_recent",
    # Who goes from seller to seller. Recent only: nothing is stored for them.
    "card_distinct_seller_orders_24h_recent",
    "document_distinct_seller_orders_24h_recent",
    "zip_code_distinct_phone_chargebacks_6h_recent",
    "zip_code_distinct_card_chargebacks_90d_distant",
    "device_distinct_card_chargebacks_ever_distant",
    "phone_distinct_document_chargebacks_ever_distant",
)

AMOUNTS = (
    "card_amount_cents_orders_1h_recent",
    *(
        f"{identifier}_amount_cents_orders_{window}"
        for identifier in ("user", "document", "device", "card", "seller")
        for window in ("24h_recent", "30d_distant")
    ),
    "card_amount_cents_chargebacks_ever_distant",
    "zip_code_amount_cents_chargebacks_90d_distant",
)

AGES = (
    *(f"{identifier}_first_order_age_seconds" for identifier in IDENTIFIERS),
    *(
        f"{identifier}_last_order_age_seconds"
        for identifier in ("user", "document", "device", "card")
    ),
    "card_last_chargeback_age_seconds",
    "zip_code_last_chargeback_age_seconds",
)

DERIVED = (
    # What an order costs beside what is usual: for this buyer, and for this seller.
    *(
        f"{name}_30d_distant"
        for identifier in ("user", "document", "device", "card", "seller")
        for name in (
            f"{identifier}_mean_amount_cents_orders",
            f"amount_to_{identifier}_mean_amount",
        )
    ),
    # What part of their orders was charged back.
    *(
        f"{identifier}_chargeback_share_ever_distant"
        for identifier in ("card", "device", "ip", "zip_code", "seller", "product")
    ),
    *(f"{identifier}_chargeback_share_30d_distant" for identifier in ("device", "product")),
    # The same before the last week, whose many orders could hide what came back.
    *(
        f"{identifier}_chargeback_share_30d_delay_7d_distant"
        for identifier in ("device", "ip", "zip_code", "product")
    ),
    # The last week beside the month before it.
    *(
        f"{identifier}_orders_7d_distant_per_{identifier}_orders_30d_delay_7d_distant"
        for identifier in ("document", "card")
    ),
    # What part of the orders of the week before last was charged back in the last week.
    *(
        f"{identifier}_chargebacks_7d_distant_per_{identifier}_orders_7d_delay_7d_distant"
        for identifier in ("device", "product", "seller")
    ),
    # A burst: this hour, or day, beside the month.
    *(
        f"{identifier}_orders_1h_recent_per_{identifier}_orders_30d_distant"
        for identifier in ("user", "device", "card")
    ),
    # Card testing: nearly every order of the device has another card.
    "device_distinct_card_orders_24h_recent_per_device_orders_24h_recent",
)
"""Quotients and differences of the features above; they cost no read and no byte in any store."""


def served(names: tuple[str, ...]) -> tuple[Velocity, ...]:
    """The definitions of `names`, each fit to be served while a buyer waits.

    Raises:
        DefinitionError: for a typo, a name that appears twice, or a recent window over 24 hours.
    """
    velocities = tuple(parse_name(name) for name in names)
    refuse_duplicates(velocities)
    for velocity in velocities:
        _refuse_long_recent(velocity)
    return velocities


def derived_of(names: tuple[str, ...]) -> tuple[Derived, ...]:
    """The derived features of `names`. What each reads must be among the features of its set.

    Raises:
        DefinitionError: for a typo, or a name of another feature.
    """
    found = []
    for name in names:
        feature = parse_feature(name)
        if not isinstance(feature, Derived):
            raise DefinitionError(name, "is not a derived feature: put it among the others")
        found.append(feature)
    return tuple(found)


def refuse_duplicates(velocities: tuple[Velocity, ...]) -> None:
    """Raise `DefinitionError` for a definition that appears a second time."""
    seen: set[Velocity] = set()
    for velocity in velocities:
        if velocity in seen:
            raise DefinitionError(velocity.name, "appears twice: leave one out")
        seen.add(velocity)


def _refuse_long_recent(velocity: Velocity) -> None:
    window: Window | None = velocity.window
    if velocity.past is not Past.RECENT or window is None or window.is_since_cutoff:
        return
    if window.span_us is None or window.span_us > LONGEST_SERVED_RECENT_US:
        raise DefinitionError(
            velocity.name,
            "a recent window that is served is at most 24h: take a distant one, "
            "or ask features_pkg.notebook.point_in_time, which takes any length",
        )


CATALOGUE: tuple[Velocity, ...] = served(
    COUNTS + OTHER_COUNTS + DELAYED_COUNTS + DISTINCTS + AMOUNTS + AGES
)
DERIVED_CATALOGUE: tuple[Derived, ...] = derived_of(DERIVED)


def targets_of(
    velocities: Iterable[Velocity],
) -> dict[tuple[Identifier, Event], tuple[Identifier, ...]]:
    """Per (identifier, event) that `velocities` look at, the targets of their distinct counts."""
    targets: dict[tuple[Identifier, Event], set[Identifier]] = {}
    for velocity in velocities:
        counted = targets.setdefault((velocity.identifier, velocity.event), set())
        if velocity.target is not None:
            counted.add(velocity.target)
    return {
        (identifier, event): tuple(t for t in IDENTIFIERS if t in targets[identifier, event])
        for identifier in IDENTIFIERS
        for event in Event
        if (identifier, event) in targets
    }
