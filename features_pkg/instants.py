"""Columns of instants as epoch microseconds; naive ones are refused."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features_pkg.errors import OrdersRefused

_UNIT_US = {"s": 1_000_000, "ms": 1_000, "us": 1}


def instants_us(
    column: pa.ChunkedArray, name: str, *, nulls: bool
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The instants (nanoseconds are cut off to microseconds) and which of them are there.

    Raises:
        OrdersRefused: naive times, other types, or nulls where `nulls` is false.
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
    raw = pc.fill_null(column.cast(pa.int64()), 0).to_numpy()
    unit = column.type.unit
    return (raw // 1_000 if unit == "ns" else raw * _UNIT_US[unit]), known
