"""A scalar parser on a column: called once for each different value."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from features_pkg.orders.fields.refusals import Refusals, ValueRefused

T = TypeVar("T")


def read_distinct(column: pa.Array, read: Callable[[str], T], refusals: Refusals) -> list[T | None]:
    """What `read` makes of each value; None where the value is null or the row is refused.

    Each different value is read once: `dictionary` has it, `indices` says which rows have it.
    """
    encoded = pc.dictionary_encode(column)
    values: list[T | None] = []
    refused: dict[int, ValueRefused] = {}
    for code, value in enumerate(encoded.dictionary.to_pylist()):
        try:
            values.append(None if value is None else read(value))
        except ValueRefused as cause:
            values.append(None)
            refused[code] = cause
    codes: list[int | None] = encoded.indices.to_pylist()
    for position, row_code in enumerate(codes if refused else ()):
        if row_code is not None and row_code in refused:
            refusals.add_row(position, refused[row_code])
    return [None if code is None else values[code] for code in codes]
