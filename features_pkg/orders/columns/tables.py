"""Columns of a pandas, Polars or Arrow table, in plain Arrow types."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features_pkg.errors import OrdersRefused, TableRefused

ARROW_FAILS: Final = (pa.ArrowException, OverflowError, UnicodeError, TypeError, ValueError)
"""What Arrow raises for values that it can't hold: its own errors, and those of Python."""


TEXTS: Final = (
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_string_view,
    pa.types.is_binary,
    pa.types.is_large_binary,
    pa.types.is_binary_view,
)
"""The types of texts. Old writers of Parquet have them as bytes."""


def plain_columns(table: Any, names: Iterable[str]) -> dict[str, pa.ChunkedArray]:
    """Those columns of `names` that `table` has, in plain Arrow types.

    `table` is a pandas or Polars data frame, an Arrow table, or any other object that offers the
    Arrow C stream.

    Raises:
        OrdersRefused: a column that Arrow can't hold, that appears twice or that holds records,
            a naive instant among aware ones, or what is not a table.
    """
    columns = arrow_columns(table, tuple(str(name) for name in names))
    return {name: _plain(column, name) for name, column in columns.items()}


def arrow_columns(table: Any, names: Iterable[str] | None = None) -> dict[str, pa.ChunkedArray]:
    """The columns of `names` that `table` has, or all of them, as Arrow holds them.

    Raises OrdersRefused as `plain_columns` does, but leaves types as they are.
    """
    if _is_pandas(table):
        series = _pandas_series(table)
        present = _present(names, [name for name, _ in series])
        return {name: _from_pandas(column, name) for name, column in series if name in present}
    arrow = _arrow_table(table, names)
    return {name: arrow[name] for name in _present(names, arrow.column_names)}


def plain_array(array: pa.Array, name: str) -> pa.Array:
    """The same values without dictionaries, views and extension types; NaN becomes null.

    What remains is a number, a large string, a time, or a large list of one of these.
    Raises OrdersRefused for an array of records, or of bytes that are not UTF-8.
    """
    kind = array.type
    if isinstance(kind, pa.BaseExtensionType):
        is_uuid = kind.extension_name == "arrow.uuid"
        return _uuid_texts(array) if is_uuid else plain_array(array.storage, name)
    if pa.types.is_dictionary(kind):
        return plain_array(array.dictionary, name).take(array.indices)
    if pa.types.is_run_end_encoded(kind):
        return plain_array(pc.run_end_decode(array), name)
    if any(is_kind(kind) for is_kind in TEXTS):
        return _utf8_texts(array, name)
    if pa.types.is_floating(kind):
        return _without_nan(array, name)
    if pa.types.is_decimal(kind) and kind.bit_width < 128:  # few functions of Arrow take those
        return array.cast(pa.decimal128(kind.precision, kind.scale))
    if not pa.types.is_nested(kind):
        return array
    if not is_list(kind):
        raise OrdersRefused(f"is {kind}: give text or numbers", column=name)
    return _plain_list(array, name)


def is_list(kind: pa.DataType) -> bool:
    """Whether it is a type of lists, of any layout."""
    return any(
        is_kind(kind)
        for is_kind in (
            pa.types.is_list,
            pa.types.is_large_list,
            pa.types.is_fixed_size_list,
            pa.types.is_list_view,
            pa.types.is_large_list_view,
        )
    )


def _is_pandas(table: Any) -> bool:
    return type(table).__module__.split(".")[0] == "pandas" and hasattr(table, "columns")


def _pandas_series(frame: Any) -> list[tuple[str, Any]]:
    """The columns of a pandas frame by name, then the levels of its index that have a name."""
    columns = [(str(name), frame.iloc[:, at]) for at, name in enumerate(frame.columns)]
    levels = [
        (str(name), frame.index.get_level_values(at).to_series())
        for at, name in enumerate(frame.index.names)
        if name is not None
    ]
    return columns + levels


def _arrow_table(table: Any, names: Iterable[str] | None) -> pa.Table:
    if isinstance(table, pa.Table):
        return table
    if not hasattr(table, "__arrow_c_stream__"):
        raise TableRefused(type(table).__name__)
    _refuse_polars_objects(table, names)
    try:
        return pa.table(table)
    except ARROW_FAILS as cause:
        _refuse_polars_column(table)
        raise TableRefused(type(table).__name__) from cause


def _refuse_polars_column(table: Any) -> None:
    """Refuse the column of a Polars frame that Arrow has no type for, such as Int128."""
    if not _is_polars(table):
        return
    for name, kind in table.schema.items():
        try:
            pa.table(table.select(name))
        except ARROW_FAILS:
            reason = f"is of dtype {kind}, which Arrow does not have: give text or numbers"
            raise OrdersRefused(reason, column=name) from None


def _is_polars(table: Any) -> bool:
    return type(table).__module__.split(".")[0] == "polars" and hasattr(table, "schema")


def _refuse_polars_objects(table: Any, names: Iterable[str] | None) -> None:
    """Refuse Polars' type for Python objects: what it hands to Arrow are memory addresses."""
    if not _is_polars(table):
        return
    for name, kind in table.schema.items():
        if str(kind) == "Object" and (names is None or name in names):
            raise OrdersRefused("is of dtype Object: give text or numbers", column=name)


def _present(names: Iterable[str] | None, columns: list[str]) -> list[str]:
    """Those of `names` that are among the table's `columns`; none may appear twice there."""
    present = columns if names is None else [name for name in names if name in columns]
    for name in present:
        if columns.count(name) > 1:
            raise OrdersRefused("appears twice in the table: leave one out", column=name)
    return present


def _from_pandas(series: Any, name: str) -> pa.ChunkedArray:
    if series.dtype == object:
        _refuse_naive(series, name)
    try:
        array = pa.Array.from_pandas(series)
    except ARROW_FAILS as cause:
        raise OrdersRefused(_arrow_failure(cause), column=name) from None
    return array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])


def _arrow_failure(cause: BaseException) -> str:
    """Why Arrow can't hold a column, without a value of it."""
    if isinstance(cause, OverflowError):
        return "has an integer beyond 64 bits: give strings"
    if isinstance(cause, UnicodeError):
        return "has a text with half of a surrogate pair: give whole characters"
    return "mixes types, or holds what is neither text, number nor time: give one of them"


def _refuse_naive(series: Any, name: str) -> None:
    """Refuse naive times among aware ones here, because Arrow would read them as UTC."""
    times = [
        (row, value.tzinfo is None)
        for row, value in enumerate(series)
        # NaT is a datetime that is not equal to itself: it is null, not naive.
        if isinstance(value, datetime) and value == value
    ]
    if len({naive for _, naive in times}) > 1:
        row = next(row for row, naive in times if naive)
        raise OrdersRefused("is naive: give its time zone", column=name, row=row)


def _plain(column: pa.ChunkedArray, name: str) -> pa.ChunkedArray:
    chunks = column.chunks or [pa.array([], column.type)]
    return pa.chunked_array([plain_array(chunk, name) for chunk in chunks])


def _without_nan(array: pa.Array, name: str) -> pa.Array:
    if pa.types.is_float16(array.type):
        raise OrdersRefused("is halffloat, which rounds at 2048: give doubles", column=name)
    return pc.if_else(pc.is_nan(array), pa.scalar(None, array.type), array)


def _utf8_texts(array: pa.Array, name: str) -> pa.Array:
    """The texts as `large_string`; neither Parquet nor Arrow checks what its writer called text."""
    try:
        return array.cast(pa.large_binary()).cast(pa.large_string())
    except pa.ArrowInvalid:
        raise OrdersRefused("has bytes that are not UTF-8: give text", column=name) from None


def _uuid_texts(array: pa.Array) -> pa.Array:
    texts = [None if value is None else str(value) for value in array.to_pylist()]
    return pa.array(texts, pa.large_string())


def _plain_list(array: pa.Array, name: str) -> pa.Array:
    """A list array of any kind as a large list whose values are plain.

    The offsets are counted again from the lengths. A slice, a list view and a list of fixed size
    each place their values in another way, with gaps under nulls or before the slice;
    `list_flatten` gives the values without gaps, so row i ends at the sum of the lengths up to i.
    """
    lengths = pc.fill_null(pc.list_value_length(array), 0).to_numpy().astype(np.int64)
    offsets = pa.array(np.concatenate(([0], np.cumsum(lengths))))
    values = plain_array(pc.list_flatten(array), name)
    return pa.LargeListArray.from_arrays(offsets, values, mask=pc.is_null(array))
