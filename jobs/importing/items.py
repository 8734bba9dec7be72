"""Products and items of an order in one cell of a file: lists, or JSON in a column of text."""

from __future__ import annotations

import json

from features_pkg.orders.limits import LONGEST_TEXT, MOST_CENTS, MOST_ITEMS, MOST_QUANTITY
from features_pkg.orders.normalising import normalise_value
from features_pkg.orders.normalising.orders import distinct_products
from features_pkg.orders.order import Item


class CellRefused(ValueError):
    """What is wrong with the products or items of a row; the text has no value of the row."""


def parse_products(value: object) -> tuple[str, ...]:
    """The different products of one cell: a list, a JSON list, a single text, or null."""
    content = _from_json(value) if isinstance(value, str) and value.startswith("[") else value
    if content is None:
        return ()
    products = []
    for text in content if isinstance(content, list) else [content]:
        if text is not None and not isinstance(text, str | int):
            raise CellRefused("is neither a text nor a list of texts")
        if text is not None:
            products.append(_product(str(text)))
    if len(products) > MOST_ITEMS:
        raise CellRefused(f"names more than {MOST_ITEMS} products")
    return distinct_products(products)


def parse_items(value: object) -> tuple[Item, ...]:
    """The items of one cell: a list of product, quantity and amount_cents, JSON of it, or null."""
    rows = _from_json(value) if isinstance(value, str) else value
    if rows is None:
        return ()
    if not isinstance(rows, list) or len(rows) > MOST_ITEMS:
        raise CellRefused(f"is not a list of at most {MOST_ITEMS} items")
    return tuple(_item(row) for row in rows)


def _item(row: object) -> Item:
    if not isinstance(row, dict):
        raise CellRefused("has an item that is not an object of product, quantity and amount_cents")
    product, quantity, cents = (row.get(name) for name in ("product", "quantity", "amount_cents"))
    if not (product is None or isinstance(product, str)):
        raise CellRefused("has an item whose product is not text")
    return Item(
        None if product is None else _product(product),
        _whole("quantity", quantity, 1, MOST_QUANTITY),
        _whole("amount_cents", cents, 0, MOST_CENTS),
    )


def _whole(name: str, value: object, least: int, most: int) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
        return value
    raise CellRefused(f"has an item whose {name} is not a whole number from {least} to {most}")


def _product(text: str) -> str | None:
    value = normalise_value("product", text)
    if value is not None and len(value) > LONGEST_TEXT:
        raise CellRefused(f"has a product of more than {LONGEST_TEXT} characters")
    return value


def _from_json(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        raise CellRefused("is not a JSON list") from None
