"""Timestamp columns as epoch microseconds; a naive time is refused."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features_pkg.array_types import Ints, Mask
from features_pkg.errors import OrdersRefused

_UNITS_PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_FIRST_SECOND = int(datetime(1900, 1, 1, tzinfo=UTC).timestamp())
_END_SECOND = int(datetime(2200, 1, 1, tzinfo=UTC).timestamp())


def timestamps_us(column: pa.ChunkedArray, name: str, *, nulls: bool) -> tuple[Ints, Mask]:
    """The instant of each row in epoch microseconds, and which rows have one.

    Nanoseconds are cut off. A row without an instant has some number, which means nothing.

    Raises:
        OrdersRefused: naive times, other types, years outside 1900 to 2199, or a null where
            `nulls` is false.
    """
    present = pc.is_valid(column).to_numpy()
    if not nulls and not present.all():
        raise OrdersRefused(
            "is null: every order has one", column=name, row=int(np.flatnonzero(~present)[0])
        )
    if not present.any():
        return np.zeros(len(column), dtype=np.int64), present
    _refuse_types(column, name, int(np.flatnonzero(present)[0]))
    units, unit = pc.fill_null(column.cast(pa.int64()), 0).to_numpy(), column.type.unit
    seconds = units // _UNITS_PER_SECOND[unit]
    outside = np.flatnonzero((seconds < _FIRST_SECOND) | (seconds >= _END_SECOND))
    if len(outside):
        row = int(outside[0])
        raise OrdersRefused("is outside the years 1900 to 2199", column=name, row=row)
    us = units // 1_000 if unit == "ns" else units * (1_000_000 // _UNITS_PER_SECOND[unit])
    return us, present


def _refuse_types(column: pa.ChunkedArray, name: str, row: int) -> None:
    """Refuse anything but aware timestamps, naming `row` as the first that is wrong."""
    if not pa.types.is_timestamp(column.type):
        raise OrdersRefused(
            f"is {column.type}: give timestamps with a time zone", column=name, row=row
        )
    if column.type.tz is None:
        raise OrdersRefused(
            f"{column[row].as_py()!s} is naive: give its time zone", column=name, row=row
        )
