"""Whole tables of orders with canonical identifiers; each different value is normalised once."""

from __future__ import annotations

from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc

from features_pkg.identifiers import IDENTIFIERS, Identifier
from features_pkg.orders.cards import without_card_number
from features_pkg.orders.columns.products import product_texts
from features_pkg.orders.columns.tables import arrow_columns
from features_pkg.orders.columns.text import text_array
from features_pkg.orders.normalising.values import normalise_value


class ArrowStream(Protocol):
    """A table of pandas, Polars or Arrow: any object with Arrow's C stream interface."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The stream as a capsule."""
        ...


def normalise(orders: ArrowStream, *, card_key: bytes | None = None) -> pa.Table:
    """`orders` as an Arrow table with canonical identifiers; other columns and rows stay in place.

    An identifier becomes `string` (a whole number is its digits) or null. `product` becomes
    `list<string>`: each product once, in order of appearance; an order without one has an empty
    list. A column that is left out stays out. Idempotent.

    A card that is a card's number becomes its keyed fingerprint, as in an import and in a request
    that have the same secret, `card_key`.

    Raises:
        OrdersRefused: a column that can't be text, that appears twice or that Arrow can't hold; a
            number that is not whole; card numbers without `card_key`; or what is not a table.

    >>> import pyarrow as pa
    >>> orders = pa.table(
    ...     {
    ...         "order_id": ["a", "b"],
    ...         "document": ["529.982.247-25", "00000000000"],
    ...         "email": ["Ana@Example.com", None],
    ...         "phone": ["(11) 98765-4321", "n/a"],
    ...         "product": [["tv", " tv", "radio"], None],
    ...     }
    ... )
    >>> table = normalise(orders)
    >>> table["document"].to_pylist(), table["email"].to_pylist()
    (['52998224725', None], ['ana@example.com', None])
    >>> table["phone"].to_pylist(), table["product"].to_pylist()
    (['+5511987654321', None], [['tv', 'radio'], []])
    """
    columns = arrow_columns(orders)
    for identifier in IDENTIFIERS:
        if identifier in columns:
            columns[identifier] = _canonical(identifier, columns[identifier], card_key)
    return pa.table(columns)


def _canonical(
    identifier: Identifier, column: pa.ChunkedArray, card_key: bytes | None
) -> pa.ChunkedArray:
    if identifier.several:
        lists = [_product_lists(identifier, chunk) for chunk in column.chunks]
        return pa.chunked_array(lists, pa.list_(pa.string()))
    texts = [_texts(identifier, chunk, card_key) for chunk in column.chunks]
    return pa.chunked_array(texts, pa.string())


def _texts(identifier: Identifier, column: pa.Array, card_key: bytes | None) -> pa.Array:
    """One canonical text, or null, per row."""
    # `dictionary` has each different text once, `indices` which of them each row has.
    encoded = pc.dictionary_encode(text_array(column, identifier))
    canonical = [
        None if value is None else _text(identifier, value, card_key)
        for value in encoded.dictionary.to_pylist()
    ]
    return pa.array(canonical, pa.string()).take(encoded.indices)


def _text(identifier: Identifier, text: str, card_key: bytes | None) -> str | None:
    canonical = normalise_value(identifier, text)
    if canonical is None or identifier is not Identifier.CARD:
        return canonical
    return without_card_number(canonical, card_key)


def _product_lists(identifier: str, column: pa.Array) -> pa.Array:
    """One list of different canonical texts per row."""
    rows = []
    for texts in product_texts(column):
        values = [normalise_value(identifier, text) for text in texts if text is not None]
        rows.append([*dict.fromkeys(value for value in values if value is not None)])
    return pa.array(rows, pa.list_(pa.string()))
