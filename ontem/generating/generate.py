"""Orders of a made-up shop, as a table that `ontem import` reads as it is."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
import pyarrow as pa

from features_pkg.array_types import Ints
from features_pkg.calendar import DAY_US, to_us
from features_pkg.identifiers import SINGLE_VALUED
from ontem.generating.baskets import draw_baskets
from ontem.generating.drafts import NO_ENTITY, Drafts, Registry, merge_drafts
from ontem.generating.fraud import fraud_orders
from ontem.generating.honest import honest_orders
from ontem.generating.people import draw_people
from ontem.generating.rhythm import TimeSpan
from ontem.generating.texts import entity_texts

FRAUD: Final = 0.028
"""The share of fraudulent orders; not all of them are charged back."""
INSTANT: Final = pa.timestamp("us", "UTC")
FIRST_DISPUTE_DAYS, LAST_DISPUTE_DAYS = 5.0, 60.0


def generate(orders: int, days: int, seed: int, end: datetime) -> pa.Table:
    """`orders` orders of the `days` times 24 hours before `end`, in time order.

    Columns: `order_id`, `event_at` (UTC), `amount_cents`, the ten identifiers (canonical;
    `product` a list), `items`, and `chargeback_at`: 5 to 60 days after the order, null when there
    is none or it would come at `end` or later. The same arguments give the same table.
    """
    rng = np.random.default_rng(seed)
    span = TimeSpan(to_us(end - timedelta(days=days)), to_us(end))
    registry = Registry()
    fraudulent = round(orders * FRAUD)
    people = draw_people(orders - fraudulent, registry, rng)
    honest = honest_orders(orders - fraudulent, span, people, registry, rng)
    drafts = merge_drafts([honest, *fraud_orders(fraudulent, span, people, registry, rng)])
    baskets = draw_baskets(drafts.dearness, rng)
    columns: dict[str, Any] = {
        "order_id": pa.array([f"g{seed}-{n:08d}" for n in range(len(drafts.at_us))]),
        "event_at": pa.array(drafts.at_us).cast(INSTANT),
        "amount_cents": pa.array(baskets.amount_cents),
        **_identifiers(drafts, registry, rng),
        "product": baskets.product,
        "items": baskets.items,
        "chargeback_at": _chargebacks(drafts, span, rng),
    }
    return pa.table(columns)


def _identifiers(
    drafts: Drafts, registry: Registry, rng: np.random.Generator
) -> dict[str, pa.Array]:
    texts = entity_texts(registry, rng)
    return {name: _texts_of(getattr(drafts, name), texts[name]) for name in SINGLE_VALUED}


def _texts_of(numbers: Ints, texts: pa.Array) -> pa.Array:
    return texts.take(pa.array(numbers, mask=numbers == NO_ENTITY))


def _chargebacks(drafts: Drafts, span: TimeSpan, rng: np.random.Generator) -> pa.Array:
    """When each order is charged back; null where it is not, or not before the end."""
    count = len(drafts.at_us)
    spread = LAST_DISPUTE_DAYS - FIRST_DISPUTE_DAYS
    days = FIRST_DISPUTE_DAYS + spread * rng.beta(1.5, 3.2, size=count)
    at_us = drafts.at_us + (days * DAY_US).astype(np.int64)
    is_absent = (rng.random(count) >= drafts.dispute) | (at_us >= span.end_us)
    return pa.array(at_us, mask=is_absent).cast(INSTANT)
