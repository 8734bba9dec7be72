"""Whole tables of orders: every different value is normalised once."""

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
    """A table of pandas, Polars or Arrow: whatever speaks Arrow's C stream interface."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """The stream as a capsule."""
        ...


def normalise(orders: ArrowStream) -> pa.Table:
    """`orders` as an Arrow table whose identifier columns are canonical, all else as it was.

    Row order stays. Identifiers become `string` (numbers are written out), `product` a
    `list<string>` of the different values in order of appearance, never null. Absent identifiers
    stay absent. Idempotent. Raises OrdersRefused for a column that cannot be text.
    """
    table = pa.table(cast(Any, orders))
    kept = [name for name in table.column_names if not name.startswith(PANDAS_INDEX)]
    table = table.select(kept)
    for identifier in IDENTIFIERS:
        place = table.schema.get_field_index(identifier.value)
        if place >= 0:
            make = _products if identifier.several else _texts
            chunks = [make(identifier.value, chunk) for chunk in table.column(place).chunks]
            table = table.set_column(place, identifier.value, _column(identifier, chunks))
    return table


def _column(identifier: Identifier, chunks: list[pa.Array]) -> pa.ChunkedArray:
    kind: Any = pa.list_(pa.string()) if identifier.several else pa.string()
    return pa.chunked_array(chunks, kind)


def _texts(identifier: str, column: pa.Array) -> pa.Array:
    """One canonical text per row."""
    encoded = cast(
        "pa.DictionaryArray[Any, Any]", pc.dictionary_encode(_as_text(identifier, column))
    )
    canonical = [
        None if value is None else normalise_value(identifier, value)
        for value in encoded.dictionary.to_pylist()
    ]
    return pa.array(canonical, pa.string()).take(encoded.indices)


def _products(identifier: str, column: pa.Array) -> pa.Array:
    """One list of different canonical texts per row."""
    if not (pa.types.is_list(column.type) or pa.types.is_large_list(column.type)):
        one_each = pc.cast(pc.is_valid(column), pa.int64()).to_pylist()
        return _lists(_texts(identifier, pc.drop_null(column)), one_each)
    lengths = pc.list_value_length(column).to_pylist()
    return _lists(_texts(identifier, pc.list_flatten(column)), lengths)


def _lists(texts: pa.Array, lengths: Sequence[int | None]) -> pa.Array:
    """`texts` cut into lists of these lengths; nulls and repetitions inside a list are dropped."""
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
            f"{column.type} is not text: pass strings", column=identifier
        ) from error
