"""One whole order, from the values that a merchant sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from features_pkg.calendar import from_us
from features_pkg.identifiers import SINGLE_VALUED, Identifier
from features_pkg.orders.fields.amount import read_cents
from features_pkg.orders.fields.identifier import read_card, read_identifier
from features_pkg.orders.fields.instant import read_instant_us
from features_pkg.orders.fields.order_id import read_order_id
from features_pkg.orders.fields.products import (
    distinct_products,
    read_items,
    read_products,
)
from features_pkg.orders.order import Order


def read_order(
    order_id: str | None,
    amount_cents: int | None,
    identifiers: Mapping[str, str | None],
    *,
    card_key: bytes | None = None,
    placed_at: str | None = None,
    products: Iterable[str | None] = (),
    items: object = None,
) -> Order:
    """The order with canonical values; its products are `products`, then those of the items.

    `identifiers` has texts by the identifier's name; one without a value may be left out. `items`
    is a list of objects with product, quantity and amount_cents, or None. `card_key` is the secret
    of the fingerprint that replaces a card's number.

    Raises ValueRefused for the first field that is wrong, and CardKeyMissing for a card's number
    without a key.
    """
    checked_id = read_order_id(order_id)
    placed_us = read_instant_us(placed_at, "placed_at", None)
    cents = read_cents(amount_cents)
    single = {name: read_identifier(name, identifiers.get(name)) for name in SINGLE_VALUED}
    single[Identifier.CARD] = read_card(identifiers.get(Identifier.CARD), card_key)
    listed_products, order_items = read_products(products), read_items(items)
    return Order(
        order_id=checked_id,
        amount_cents=cents,
        product=distinct_products(listed_products, order_items),
        placed_at=None if placed_us is None else from_us(placed_us),
        items=order_items,
        **single,
    )
