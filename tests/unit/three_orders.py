"""Three orders of one card as a table, and what `point_in_time` answers about them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from features_pkg import point_in_time

NOON = datetime(2018, 6, 1, 15, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
CARD = "card_orders_24h_recent"
PRODUCT = "product_orders_24h_recent"
CENTS = "card_amount_cents_orders_24h_recent"
CHARGED = "card_chargebacks_24h_recent"


def columns(**given: Any) -> dict[str, Any]:
    """Three orders of one merchant, an hour apart, with one card; `given` replaces columns."""
    rows = {
        "order_id": ["a", "b", "c"],
        "merchant_id": ["m", "m", "m"],
        "event_at": [NOON, NOON + HOUR, NOON + 2 * HOUR],
        "card": ["c1", "c1", "c1"],
        "amount_cents": [100, 20, 3],
        "chargeback_at": pa.nulls(3, pa.timestamp("us", "UTC")),
    }
    return rows | given


def values(table: Any, feature: str = CARD, **options: Any) -> list[object]:
    """The values of one feature for each row of a table."""
    return list(point_in_time(table, [feature], **options)[feature].to_pylist())


def answers_of(feature: str = CARD, **given: Any) -> list[object]:
    """The values of one feature for each of the three orders, with some columns replaced."""
    return values(pa.table(columns(**given)), feature)


def without(*names: str) -> pa.Table:
    """The three orders without these columns."""
    return pa.table({name: column for name, column in columns().items() if name not in names})


MANY = pa.table(
    columns(
        event_at=[NOON + 2 * HOUR, NOON, NOON + HOUR],
        ip=["i", None, "i"],
        product=[["p"], ["q", "p", "q"], None],
        chargeback_at=[None, NOON + HOUR, None],
    )
)
