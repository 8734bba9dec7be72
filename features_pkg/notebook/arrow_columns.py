"""Columns of a pandas, Polars or Arrow table, in plain Arrow types."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features_pkg.errors import OrdersRefused


def arrow_columns(table: Any, names: Iterable[str]) -> dict[str, pa.ChunkedArray]:
    """Those columns of `names` that `table` has, in plain Arrow types.

    `table` is a pandas or Polars data frame, an Arrow table, or any other object that offers the
    Arrow C stream.

    Raises:
        OrdersRefused: a column that Arrow can't hold, that appears twice or that holds records,
            or a naive instant among aware ones.
        TypeError: when `table` is not a table.
    """
    names = tuple(str(name) for name in names)
    if type(table).__module__.split(".")[0] == "pandas":
        present = _present(names, list(table.columns))
        return {name: _from_pandas(table[name], name) for name in present}
    if not hasattr(table, "__arrow_c_stream__"):
        raise TypeError(f"orders are {type(table).__name__}: give a pandas, Polars or Arrow table")
    arrow = table if isinstance(table, pa.Table) else pa.table(table)
    return {name: _plain(arrow[name], name) for name in _present(names, arrow.column_names)}


def _present(names: Iterable[str], columns: list[str]) -> list[str]:
    """Those of `names` that are among the table's `columns`; none may appear twice there."""
    present = [name for name in names if name in columns]
    for name in present:
        if columns.count(name) > 1:
            raise OrdersRefused("appears twice in the table: leave one out", column=name)
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
    """Refuse naive times here, where Arrow would read them as UTC beside aware ones."""
    for row, value in enumerate(series):
        # NaT is a datetime that is not equal to itself: it is null, not naive.
        if isinstance(value, datetime) and value == value and value.tzinfo is None:
            raise OrdersRefused(f"{value!s} is naive: give its time zone", column=name, row=row)


def _plain(column: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    chunks = column.chunks or [pa.array([], column.type)]
    return pa.chunked_array([_plain_array(chunk, name) for chunk in chunks])


def _plain_array(array: pa.Array, name: str) -> pa.Array:
    """The same values without dictionaries, views and extension types; NaN becomes null.

    What remains is a number, a text, bytes, a time, or a large list of one of these.
    """
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
    return _plain_list(array, name)


def _plain_list(array: pa.Array, name: str) -> pa.Array:
    """A list array of any kind as a large list whose values are plain.

    The offsets are counted again from the lengths. A slice, a list view and a list of fixed size
    each place their values in another way, with gaps under nulls or before the slice;
    `list_flatten` gives the values without gaps, so row i ends at the sum of the lengths up to i.
    """
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
