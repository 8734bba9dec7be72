"""Orders of a made-up shop, as a table that `ontem import` reads as it stands."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
import pyarrow as pa

from features_pkg.calendar import to_us
from features_pkg.identifiers import SINGLE_VALUED
from ontem.generating.baskets import baskets
from ontem.generating.drafts import NONE, Drafts, Ints, Registry, together
from ontem.generating.fraud import fraud_orders
from ontem.generating.honest import honest_orders
from ontem.generating.people import people
from ontem.generating.rhythm import DAY_US, Period
from ontem.generating.texts import texts

FRAUD: Final = 0.028
"""Share of fraudulent orders; not all of them are found out."""
INSTANT: Final = pa.timestamp("us", "UTC")
FIRST_DISPUTE_DAYS, LAST_DISPUTE_DAYS = 5.0, 60.0


def generate(orders: int, days: int, seed: int, end: datetime) -> pa.Table:
    """`orders` orders of the `days` times 24 hours before `end`, in time order.

    Columns: `order_id`, `event_at` (UTC), `amount_cents`, the nine identifiers (canonical;
    `product` a list), `items`, and `chargeback_at`: 5 to 60 days after the order, null when there
    is none or it would come at `end` or later. The same arguments give the same table.
    """
    rng = np.random.default_rng(seed)
    period = Period(to_us(end - timedelta(days=days)), to_us(end))
    registry = Registry()
    fraudulent = round(orders * FRAUD)
    who = people(orders - fraudulent, registry, rng)
    honest = honest_orders(orders - fraudulent, period, who, registry, rng)
    drafts = together([honest, *fraud_orders(fraudulent, period, who, registry, rng)])
    basket = baskets(drafts.dearness, rng)
    columns: dict[str, Any] = {
        "order_id": pa.array([f"g{seed}-{n:08d}" for n in range(len(drafts.at_us))]),
        "event_at": pa.array(drafts.at_us).cast(INSTANT),
        "amount_cents": pa.array(basket.amount_cents),
        **_identifiers(drafts, registry, rng),
        "product": basket.product,
        "items": basket.items,
        "chargeback_at": _chargebacks(drafts, period, rng),
    }
    return pa.table(columns)


def _identifiers(
    drafts: Drafts, registry: Registry, rng: np.random.Generator
) -> dict[str, pa.Array]:
    names = texts(registry, rng)
    return {kind: _named(names[kind], getattr(drafts, kind)) for kind in SINGLE_VALUED}


def _named(names: pa.Array, numbers: Ints) -> pa.Array:
    return names.take(pa.array(numbers, mask=numbers == NONE))


def _chargebacks(drafts: Drafts, period: Period, rng: np.random.Generator) -> pa.Array:
    """When each order is charged back; null for those that are not, or not yet at the end."""
    count = len(drafts.at_us)
    spread = LAST_DISPUTE_DAYS - FIRST_DISPUTE_DAYS
    days = FIRST_DISPUTE_DAYS + spread * rng.beta(1.5, 3.2, size=count)
    at_us = drafts.at_us + (days * DAY_US).astype(np.int64)
    never = (rng.random(count) >= drafts.dispute) | (at_us >= period.end_us)
    return pa.array(at_us, mask=never).cast(INSTANT)
