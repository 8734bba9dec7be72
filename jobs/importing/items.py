"""Products and order lines of a file: lists, or JSON in a column of text."""

from __future__ import annotations

import json

from features_pkg.orders.limits import LONGEST_TEXT, MOST_CENTS, MOST_ITEMS, MOST_QUANTITY
from features_pkg.orders.normalising import normalise_value
from features_pkg.orders.normalising.orders import distinct_products
from features_pkg.orders.order import Item


class LineRefused(ValueError):
    """What is wrong with a row's products or items; holds no value of the row."""


def parse_products(value: object) -> tuple[str, ...]:
    """The different products of one cell: a list, JSON of one, one text, or null."""
    texts = _parsed(value) if isinstance(value, str) and value.startswith("[") else value
    if texts is None:
        return ()
    several = texts if isinstance(texts, list) else [texts]
    found = []
    for one in several:
        if one is not None and not isinstance(one, str | int):
            raise LineRefused("is neither a text nor a list of texts")
        if one is not None:
            found.append(_product(str(one)))
    if len(found) > MOST_ITEMS:
        raise LineRefused(f"names more than {MOST_ITEMS} products")
    return distinct_products(found)


def parse_items(value: object) -> tuple[Item, ...]:
    """The lines of one cell: a list of product, quantity and amount_cents, JSON of one, or null."""
    rows = _parsed(value) if isinstance(value, str) else value
    if rows is None:
        return ()
    if not isinstance(rows, list) or len(rows) > MOST_ITEMS:
        raise LineRefused(f"is no list of at most {MOST_ITEMS} items")
    return tuple(_item(row) for row in rows)


def _item(row: object) -> Item:
    if not isinstance(row, dict):
        raise LineRefused("has an item that is not product, quantity and amount_cents")
    product, quantity, cents = (row.get(name) for name in ("product", "quantity", "amount_cents"))
    if not (product is None or isinstance(product, str)):
        raise LineRefused("has an item whose product is no text")
    return Item(
        None if product is None else _product(product),
        _whole("quantity", quantity, 1, MOST_QUANTITY),
        _whole("amount_cents", cents, 0, MOST_CENTS),
    )


def _whole(name: str, value: object, least: int, most: int) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
        return value
    raise LineRefused(f"has an item whose {name} is not a whole number from {least} to {most}")


def _product(text: str) -> str | None:
    value = normalise_value("product", text)
    if value is not None and len(value) > LONGEST_TEXT:
        raise LineRefused(f"has a product of more than {LONGEST_TEXT} characters")
    return value


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        raise LineRefused("is no JSON list") from None
