"""The products and the items of an order."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Annotated, Any, Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from features_pkg.errors import OrdersRefused
from features_pkg.orders.fields import strict_json
from features_pkg.orders.fields.identifier import read_identifier
from features_pkg.orders.fields.refusals import Refusals, ValueRefused
from features_pkg.orders.fields.shape import shape_refusal
from features_pkg.orders.fields.text import text_array
from features_pkg.orders.limits import LONGEST_TEXT, MOST_CENTS, MOST_ITEMS, MOST_QUANTITY
from features_pkg.orders.order import Item
from features_pkg.orders.tables import is_list, plain_array

PRODUCT: Final = "product"
ITEMS: Final = "items"

Product = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_TEXT)]
Cents = Annotated[int, msgspec.Meta(ge=0, le=MOST_CENTS)]
Quantity = Annotated[int, msgspec.Meta(ge=1, le=MOST_QUANTITY)]


class SentItem(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One item of an order as it was sent."""

    product: Product
    quantity: Quantity
    amount_cents: Cents


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


def column_items(column: pa.Array, refusals: Refusals) -> list[tuple[Item, ...]]:
    """The items of each row. Raises OrdersRefused for a column that can't hold them."""
    if not is_list(column.type):
        column = plain_array(column, ITEMS)
    kind = column.type
    if not (is_list(kind) or pa.types.is_large_string(kind) or pa.types.is_null(kind)):
        raise OrdersRefused(
            f"is {kind}: give lists of product, quantity and amount_cents, or JSON of them",
            column=ITEMS,
        )
    try:
        cells = column.to_pylist()
    except UnicodeDecodeError:
        raise OrdersRefused("has bytes that are not UTF-8: give text", column=ITEMS) from None
    except ValueError:  # records with a field twice
        raise OrdersRefused(f"is {kind}, which names a field twice", column=ITEMS) from None
    rows: list[tuple[Item, ...]] = []
    for position, cell in enumerate(cells):
        try:
            rows.append(read_item_cell(cell))
        except ValueRefused as refused:
            refusals.add_row(position, refused)
            rows.append(())
    return rows


def column_products(column: pa.Array, refusals: Refusals) -> list[tuple[str, ...]]:
    """The products of each row. Raises OrdersRefused for a column that has no texts."""
    rows: list[tuple[str, ...]] = []
    for position, texts in enumerate(product_texts(column)):
        try:
            rows.append(read_products(texts))
        except ValueRefused as refused:
            refusals.add_row(position, refused)
            rows.append(())
    return rows


def product_texts(column: pa.Array) -> list[list[str | None]]:
    """The products of each row as they were written: a text or number, a list, or JSON of a list.

    `[Kit] 3 meias` is a text like another: JSON is only what reads as a list of texts.
    """
    plain = plain_array(column, PRODUCT)
    if pa.types.is_large_list(plain.type):
        lengths = pc.fill_null(pc.list_value_length(plain), 0).to_pylist()
        values = text_array(pc.list_flatten(plain), PRODUCT).to_pylist()
        ends = [0]
        for length in lengths:
            ends.append(ends[-1] + length)
        return [values[start:end] for start, end in pairwise(ends)]
    texts: list[str | None] = text_array(plain, PRODUCT).to_pylist()
    if not pa.types.is_large_string(plain.type):
        return [[text] for text in texts]
    return [_texts_of(text) for text in texts]


def _texts_of(text: str | None) -> list[str | None]:
    """The texts of a JSON list, or the text itself."""
    if text is None or not text.lstrip().startswith("["):
        return [text]
    try:
        value = strict_json.decode(text)
    except (strict_json.JsonUnreadable, ValueRefused):
        return [text]
    if isinstance(value, list) and all(_is_product(entry) for entry in value):
        return [None if entry is None else str(entry) for entry in value]
    return [text]


def _is_product(entry: Any) -> bool:
    return entry is None or isinstance(entry, str) or type(entry) is int


def _items_of_json(text: str) -> object:
    try:
        return None if not text else strict_json.decode(text, ITEMS)
    except strict_json.JsonUnreadable as cause:
        raise ValueRefused(ITEMS, str(cause)) from None
