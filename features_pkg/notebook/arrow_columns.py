"""pandas, Polars and Arrow tables, read as Arrow columns."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features_pkg.errors import OrdersRefused


def arrow_columns(table: Any, wanted: Iterable[str]) -> dict[str, pa.ChunkedArray]:
    """Those of the `wanted` columns that `table` has, in plain Arrow types.

    `table` is a pandas or Polars data frame, an Arrow table, or any other object that offers the
    Arrow C stream.

    Raises:
        OrdersRefused: a column that Arrow can't hold, that is there twice or that holds records,
            or a naive instant among aware ones.
        TypeError: when `table` is no table.
    """
    wanted = tuple(str(name) for name in wanted)
    if type(table).__module__.split(".")[0] == "pandas":
        present = _present(wanted, list(table.columns))
        return {name: _from_pandas(table[name], name) for name in present}
    if not hasattr(table, "__arrow_c_stream__"):
        raise TypeError(f"orders are {type(table).__name__}: give a pandas, Polars or Arrow table")
    whole = table if isinstance(table, pa.Table) else pa.table(table)
    return {name: _plain(whole[name], name) for name in _present(wanted, whole.column_names)}


def _present(wanted: Iterable[str], names: list[str]) -> list[str]:
    present = [name for name in wanted if name in names]
    for name in present:
        if names.count(name) > 1:
            raise OrdersRefused("stands there twice: leave one out", column=name)
    return present


def _from_pandas(series: Any, name: str) -> pa.ChunkedArray:
    if series.dtype == object:
        _refuse_naive(series, name)
    try:
        array = pa.Array.from_pandas(series)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as cause:
        raise OrdersRefused(f"mixes types: {cause}", column=name) from None
    column = array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])
    return _plain(column, name)


def _refuse_naive(series: Any, name: str) -> None:
    for row, value in enumerate(series):
        if isinstance(value, datetime) and value == value and value.tzinfo is None:
            raise OrdersRefused(f"{value!s} is naive: say its time zone", column=name, row=row)


def _plain(column: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    chunks = column.chunks or [pa.array([], column.type)]
    return pa.chunked_array([_plain_array(chunk, name) for chunk in chunks])


def _plain_array(array: pa.Array, name: str) -> pa.Array:
    """Without dictionaries, views and extensions; a number that is none (NaN) is null."""
    kind = array.type
    if isinstance(kind, pa.BaseExtensionType):
        return _plain_array(array.storage, name)
    if pa.types.is_dictionary(kind):
        return _plain_array(array.dictionary, name).take(array.indices)
    if pa.types.is_string_view(kind):
        return array.cast(pa.large_string())
    if pa.types.is_binary_view(kind):
        return array.cast(pa.large_binary())
    if pa.types.is_floating(kind):
        return pc.if_else(pc.is_nan(array), pa.scalar(None, kind), array)
    if not pa.types.is_nested(kind):
        return array
    if not _is_list(kind):
        raise OrdersRefused(f"is {kind}: give text or numbers", column=name)
    lengths = pc.fill_null(pc.list_value_length(array), 0).to_numpy().astype(np.int64)
    offsets = pa.array(np.concatenate(([0], np.cumsum(lengths))))
    values = _plain_array(pc.list_flatten(array), name)
    return pa.LargeListArray.from_arrays(offsets, values, mask=pc.is_null(array))


def _is_list(kind: pa.DataType) -> bool:
    return any(
        is_list(kind)
        for is_list in (
            pa.types.is_list,
            pa.types.is_large_list,
            pa.types.is_fixed_size_list,
            pa.types.is_list_view,
            pa.types.is_large_list_view,
        )
    )
