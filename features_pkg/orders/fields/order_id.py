"""The merchant's id of an order: a text that is kept as it was sent."""

from __future__ import annotations

from typing import Final

from features_pkg.orders.fields.refusals import MISSING, UNSTORABLE, ValueRefused
from features_pkg.orders.limits import LONGEST_ORDER_ID

FIELD: Final = "order_id"


def read_order_id(text: str | None) -> str:
    """The id, unchanged. Raises ValueRefused: missing, too long, or with U+0000."""
    if not text:
        raise ValueRefused(FIELD, MISSING)
    if "\0" in text:
        raise ValueRefused(FIELD, UNSTORABLE)
    if len(text) > LONGEST_ORDER_ID:
        raise ValueRefused(FIELD, f"has more than {LONGEST_ORDER_ID} characters")
    return text
