"""Columns of instants as epoch microseconds; naive ones are refused."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features_pkg.array_types import Ints, Mask
from features_pkg.errors import OrdersRefused

_UNITS_IN_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_FIRST_SECOND = int(datetime(1900, 1, 1, tzinfo=UTC).timestamp())
_END_SECOND = int(datetime(2200, 1, 1, tzinfo=UTC).timestamp())


def instants_us(column: pa.ChunkedArray, name: str, *, nulls: bool) -> tuple[Ints, Mask]:
    """The instants (nanoseconds are cut off to microseconds) and which of them are there.

    Raises:
        OrdersRefused: naive times, other types, years outside 1900 to 2199, or nulls where
            `nulls` is false.
    """
    known = pc.is_valid(column).to_numpy()
    if not nulls and not known.all():
        raise OrdersRefused(
            "is null: every order has one", column=name, row=int(np.flatnonzero(~known)[0])
        )
    if not known.any():
        return np.zeros(len(column), dtype=np.int64), known
    first = int(np.flatnonzero(known)[0])
    if not pa.types.is_timestamp(column.type):
        raise OrdersRefused(
            f"is {column.type}: give timestamps with a time zone", column=name, row=first
        )
    if column.type.tz is None:
        raise OrdersRefused(
            f"{column[first].as_py()!s} is naive: say its time zone", column=name, row=first
        )
    raw, unit = pc.fill_null(column.cast(pa.int64()), 0).to_numpy(), column.type.unit
    seconds = raw // _UNITS_IN_SECOND[unit]
    wild = np.flatnonzero((seconds < _FIRST_SECOND) | (seconds >= _END_SECOND))
    if len(wild):
        row = int(wild[0])
        raise OrdersRefused("lies outside the years 1900 to 2199", column=name, row=row)
    return (raw // 1_000 if unit == "ns" else raw * (1_000_000 // _UNITS_IN_SECOND[unit])), known
