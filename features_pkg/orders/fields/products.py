"""The products and the items of an order."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Final

import msgspec

from features_pkg.orders.fields import strict_json
from features_pkg.orders.fields.identifier import read_identifier
from features_pkg.orders.fields.refusals import ValueRefused
from features_pkg.orders.fields.shape import shape_refusal
from features_pkg.orders.limits import (
    LONGEST_TEXT,
    MOST_CENTS,
    MOST_ITEMS,
    MOST_QUANTITY,
    TEXT_FORM,
)
from features_pkg.orders.order import Item

PRODUCT: Final = "product"
ITEMS: Final = "items"

Product = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=LONGEST_TEXT,
        extra_json_schema={"pattern": TEXT_FORM},  # checked where the JSON is read
    ),
]
Cents = Annotated[int, msgspec.Meta(ge=0, le=MOST_CENTS)]
Quantity = Annotated[int, msgspec.Meta(ge=1, le=MOST_QUANTITY)]


class SentItem(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One item of an order as it was sent."""

    product: Product
    quantity: Quantity
    amount_cents: Annotated[Cents, msgspec.Meta(description="Of all pieces of the item together.")]


SentItems = Annotated[list[SentItem], msgspec.Meta(max_length=MOST_ITEMS)]

ITEM_RULES: Final = {
    "items": f"must be a list of at most {MOST_ITEMS} items, or be left out",
    "items[].product": f"must be a text of 1 to {LONGEST_TEXT} characters",
    "items[].quantity": f"must be a whole number from 1 to {MOST_QUANTITY}",
    "items[].amount_cents": f"must be a whole number of cents from 0 to {MOST_CENTS}",
    "items[]": "must be an object with product, quantity and amount_cents",
}
"""What items must be, by path without positions."""


def read_items(value: object) -> tuple[Item, ...]:
    """The items in a list of objects, or in None; their products are canonical.

    Raises ValueRefused.
    """
    if value is None:
        return ()
    try:
        sent = msgspec.convert(value, SentItems)
    except msgspec.ValidationError as cause:
        raise shape_refusal(str(cause), ITEM_RULES, "", root=ITEMS) from None
    return tuple(
        Item(
            read_identifier(PRODUCT, item.product, f"items[{position}].product"),
            item.quantity,
            item.amount_cents,
        )
        for position, item in enumerate(sent)
    )


def read_item_cell(cell: object) -> tuple[Item, ...]:
    """The items of one cell: a list of records, JSON of such a list, or null.

    Raises ValueRefused.
    """
    return read_items(_items_of_json(cell) if isinstance(cell, str) else cell)


def read_products(texts: Iterable[str | None]) -> tuple[str, ...]:
    """Each different product of an order, canonical, in order of appearance.

    Raises ValueRefused: more than 100, or one that is too long.
    """
    sent = [text for text in texts if text is not None]
    if len(sent) > MOST_ITEMS:
        raise ValueRefused(PRODUCT, f"has more than {MOST_ITEMS} products")
    canonical = [read_identifier(PRODUCT, text) for text in sent]
    return tuple(dict.fromkeys(value for value in canonical if value is not None))


def distinct_products(products: Iterable[str], items: Iterable[Item]) -> tuple[str, ...]:
    """Each product of `products` and of `items` once, in order of appearance."""
    of_items = (item.product for item in items if item.product is not None)
    return tuple(dict.fromkeys([*products, *of_items]))


def _items_of_json(text: str) -> object:
    try:
        return None if not text else strict_json.decode(text, ITEMS)
    except strict_json.JsonUnreadable as cause:
        raise ValueRefused(ITEMS, str(cause)) from None
