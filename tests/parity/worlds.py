"""Small random histories in which everything collides, for the property tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from features_pkg.calendar import Calendar, to_us
from features_pkg.history.past_orders import PastOrder
from features_pkg.identifiers import IDENTIFIERS, Identifier

ZONES = ("America/Sao_Paulo", "UTC", "Australia/Lord_Howe", "America/Toronto")
AROUND = (
    datetime(2018, 11, 4, 3, tzinfo=UTC),  # São Paulo: a day of 23 hours begins at 01:00
    datetime(2019, 2, 17, 3, tzinfo=UTC),  # and one of 25 ends
    datetime(2018, 6, 1, 3, tzinfo=UTC),
)
STEPS_US = (
    0,
    1,
    60_000_000,
    600_000_000,
    3_600_000_000,
    6 * 3_600_000_000,
    86_400_000_000 - 1,
    86_400_000_000,
    7 * 86_400_000_000,
    30 * 86_400_000_000,
    91 * 86_400_000_000,
)
"""Instants are made from these, so that ties and window edges are hit to the microsecond."""

instants_us = st.builds(
    lambda around, step, sign, more: to_us(around) + sign * step + more,
    st.sampled_from(AROUND),
    st.sampled_from(STEPS_US),
    st.sampled_from((-1, 1)),
    st.sampled_from((0, 0, 1, -1, 4 * 3_600_000_000)),
)
scalar_values = st.sampled_from(((), ("a",), ("b",), ("a",)))
waits_us = st.none() | st.sampled_from(STEPS_US)
product_values = st.sampled_from(((), ("p",), ("q",), ("p", "q"), ("p", "p", "r")))


@st.composite
def orders(draw: st.DrawFn, most: int = 14) -> list[PastOrder]:
    """Up to `most` orders of two merchants."""
    instants = draw(st.lists(instants_us, min_size=1, max_size=most))
    return [draw(_order(number, at_us)) for number, at_us in enumerate(instants)]


@st.composite
def _order(draw: st.DrawFn, number: int, at_us: int) -> PastOrder:
    identifiers = {
        identifier: draw(product_values if identifier.several else scalar_values)
        for identifier in IDENTIFIERS
    }
    waited = draw(waits_us)
    return PastOrder(
        merchant=draw(st.sampled_from(("m1", "m1", "m2"))),
        order_id=str(number),
        at_us=at_us,
        amount_cents=draw(st.integers(0, 10**12)),
        identifiers=identifiers,
        chargeback_us=None if waited is None else at_us + waited,
    )


def as_rows(history: list[PastOrder]) -> list[dict[str, object]]:
    """The orders as rows of the table that `point_in_time` takes."""
    return [
        {
            "order_id": order.order_id,
            "merchant_id": order.merchant,
            "event_at": instant(order.at_us),
            "amount_cents": order.amount_cents,
            "chargeback_at": None if order.chargeback_us is None else instant(order.chargeback_us),
            **{
                str(identifier): _cell(identifier, order.identifiers[identifier])
                for identifier in IDENTIFIERS
            },
        }
        for order in history
    ]


def instant(us: int) -> datetime:
    """Epoch microseconds as an aware instant."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)


def _cell(identifier: Identifier, values: tuple[object, ...]) -> object:
    if identifier.several:
        return list(values)
    return values[0] if values else None


calendars = st.sampled_from([Calendar(zone) for zone in ZONES])
