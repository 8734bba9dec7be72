"""The products and the items of a column of orders."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from features_pkg.errors import OrdersRefused
from features_pkg.orders.columns.tables import is_list, plain_array
from features_pkg.orders.columns.text import text_array
from features_pkg.orders.fields import strict_json
from features_pkg.orders.fields.products import ITEMS, PRODUCT, read_item_cell, read_products
from features_pkg.orders.fields.refusals import Refusals, ValueRefused
from features_pkg.orders.order import Item


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
