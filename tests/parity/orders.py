"""Orders made by hand that say only what matters."""

from __future__ import annotations

from datetime import UTC, datetime

from features_pkg.calendar import to_us
from features_pkg.history.past_orders import PastOrder
from features_pkg.identifiers import IDENTIFIERS


def order(
    at: str,
    *,
    card: str | None = "c",
    user: str | None = None,
    product: tuple[str, ...] = (),
    charged: str | None = None,
    merchant: str = "m1",
) -> PastOrder:
    """An order of 1 real at an instant in UTC, such as "2018-06-10 15:00"."""
    given = {"card": card, "user": user}
    values = {i: tuple(v for v in (given.get(i),) if v is not None) for i in IDENTIFIERS}
    return PastOrder(
        merchant,
        "",
        _us(at),
        100,
        values | {IDENTIFIERS[-1]: product},
        None if charged is None else _us(charged),
    )


def _us(at: str) -> int:
    return to_us(datetime.fromisoformat(at).replace(tzinfo=UTC))


def numbered(*orders: PastOrder) -> list[PastOrder]:
    """The orders, each with an id and an amount of its own."""
    return [
        PastOrder(o.merchant, str(n), o.at_us, o.amount_cents + n, o.identifiers, o.chargeback_us)
        for n, o in enumerate(orders)
    ]
