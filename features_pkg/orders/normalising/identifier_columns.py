"""Whole tables of orders with canonical identifiers; each different value is normalised once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, cast

import pyarrow as pa
import pyarrow.compute as pc

from features_pkg.errors import OrdersRefused
from features_pkg.identifiers import IDENTIFIERS, Identifier
from features_pkg.orders.normalising.values import normalise_value

PANDAS_INDEX = "__index_level_"


class ArrowStream(Protocol):
    """A table of pandas, Polars or Arrow: any object with Arrow's C stream interface."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The stream as a capsule."""
        ...


def normalise(orders: ArrowStream) -> pa.Table:
    """`orders` as an Arrow table with canonical identifiers; other columns and rows stay in place.

    An identifier becomes `string` (numbers are written out) or null. `product` becomes
    `list<string>`: each product once, in order of appearance; an order without one has an empty
    list. A column that is left out stays out. Idempotent.

    Raises:
        OrdersRefused: a column that can't be text.

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
    table = pa.table(cast(Any, orders))
    table = table.select([n for n in table.column_names if not n.startswith(PANDAS_INDEX)])
    for identifier in IDENTIFIERS:
        position = table.schema.get_field_index(identifier)
        if position >= 0:
            canonical = _product_lists if identifier.several else _texts
            chunks = [canonical(identifier, chunk) for chunk in table.column(position).chunks]
            table = table.set_column(position, str(identifier), _column(identifier, chunks))
    return table


def _column(identifier: Identifier, chunks: list[pa.Array]) -> pa.ChunkedArray:
    kind: Any = pa.list_(pa.string()) if identifier.several else pa.string()
    return pa.chunked_array(chunks, kind)


def _texts(identifier: str, column: pa.Array) -> pa.Array:
    """One canonical text, or null, per row."""
    # `dictionary` has each different text once, `indices` which of them each row has.
    encoded = cast(
        "pa.DictionaryArray[Any, Any]", pc.dictionary_encode(_as_text(identifier, column))
    )
    canonical = [
        None if value is None else normalise_value(identifier, value)
        for value in encoded.dictionary.to_pylist()
    ]
    return pa.array(canonical, pa.string()).take(encoded.indices)


def _product_lists(identifier: str, column: pa.Array) -> pa.Array:
    """One list of different canonical texts per row; `column` has a text or a list per row."""
    if not (pa.types.is_list(column.type) or pa.types.is_large_list(column.type)):
        one_or_none = pc.cast(pc.is_valid(column), pa.int64()).to_pylist()
        return _lists(_texts(identifier, pc.drop_null(column)), one_or_none)
    lengths = pc.list_value_length(column).to_pylist()
    return _lists(_texts(identifier, pc.list_flatten(column)), lengths)


def _lists(texts: pa.Array, lengths: Sequence[int | None]) -> pa.Array:
    """`texts` divided into lists of these lengths; a list has each text once, and no null."""
    rows: list[list[str]] = []
    values, start = texts.to_pylist(), 0
    for length in lengths:
        end = start + (length or 0)
        rows.append([*dict.fromkeys(value for value in values[start:end] if value is not None)])
        start = end
    return pa.array(rows, pa.list_(pa.string()))


def _as_text(identifier: str, column: pa.Array) -> pa.Array:
    try:
        return pc.cast(column, pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise OrdersRefused(
            f"is {column.type}, which has no text: give strings", column=identifier
        ) from error
