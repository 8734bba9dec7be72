"""pandas, Polars and Arrow tables, read as Arrow columns."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import pyarrow as pa

from features_pkg.errors import OrdersRefused


def arrow_columns(table: Any, wanted: Iterable[str]) -> dict[str, pa.ChunkedArray]:
    """Those of the `wanted` columns that `table` has, in plain Arrow types.

    `table` is a pandas or Polars data frame, an Arrow table, or any other object that offers the
    Arrow C stream.

    Raises:
        OrdersRefused: a column that Arrow can't hold, or a naive instant among aware ones.
        TypeError: when `table` is no table.
    """
    wanted = tuple(wanted)
    if type(table).__module__.split(".")[0] == "pandas":
        return {name: _from_pandas(table[name], name) for name in wanted if name in table.columns}
    if not hasattr(table, "__arrow_c_stream__"):
        raise TypeError(
            f"orders are {type(table).__name__}: give a pandas, Polars or Arrow table"
        )
    whole = table if isinstance(table, pa.Table) else pa.table(table)
    return {name: _plain(whole[name]) for name in wanted if name in whole.column_names}


def _from_pandas(series: Any, name: str) -> pa.ChunkedArray:
    if series.dtype == object:
        _refuse_naive(series, name)
    try:
        array = pa.Array.from_pandas(series)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as cause:
        raise OrdersRefused(f"mixes types: {cause}", column=name) from None
    return _plain(array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array]))


def _refuse_naive(series: Any, name: str) -> None:
    for row, value in enumerate(series):
        if isinstance(value, datetime) and value == value and value.tzinfo is None:
            raise OrdersRefused(f"{value!s} is naive: say its time zone", column=name, row=row)


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _plain(column.cast(kind.value_type))
    if pa.types.is_string_view(kind):
        return column.cast(pa.large_string())
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        inner = kind.value_type
        if pa.types.is_dictionary(inner):
            inner = inner.value_type
        if pa.types.is_string_view(inner):
            inner = pa.large_string()
        return column.cast(pa.large_list(inner))
    return column
