"""Texts of a column that may hold numbers: a number is its digits, or the column is refused."""

from __future__ import annotations

from typing import Final, cast

import pyarrow as pa
import pyarrow.compute as pc

from features_pkg.errors import OrdersRefused
from features_pkg.orders.columns.tables import plain_array

_LARGEST_EXACT: Final = {pa.float32(): 2**24 - 1, pa.float64(): 2**53 - 1}
"""Up to which number each whole number has a float of its own: 2^53 + 1 is rounded to 2^53."""


def text_array(array: pa.Array, name: str) -> pa.Array:
    """One text, or null, per row; whole numbers are written as their digits.

    Raises OrdersRefused for a type that has no text, for a number that is not whole, and for one
    that is so large that its type does not hold every whole number.
    """
    plain = plain_array(array, name)
    kind = plain.type
    if pa.types.is_floating(kind):
        plain = _whole_floats(plain, name)
    elif pa.types.is_decimal(kind):
        plain = _whole_decimals(plain, name)
    elif not _has_text(kind):
        raise OrdersRefused(f"is {kind}, which has no text: give strings", column=name)
    return pc.cast(plain, pa.large_string())


def _has_text(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_large_string(kind) or pa.types.is_integer(kind) or pa.types.is_null(kind)
    )


def _whole_floats(array: pa.Array, name: str) -> pa.Array:
    largest = _LARGEST_EXACT[array.type]
    is_whole = pc.equal(pc.trunc(array), array)
    if not _all(pc.and_(is_whole, pc.is_finite(array))):
        raise OrdersRefused("has a number that is not whole: give strings or integers", column=name)
    if not _all(pc.less_equal(pc.abs(array), largest)):
        raise OrdersRefused(
            f"has a number above {largest}, where {array.type} is not exact: give strings or "
            "integers",
            column=name,
        )
    return pc.cast(array, pa.int64())


def _whole_decimals(array: pa.Array, name: str) -> pa.Array:
    widest = pa.decimal256(76, 0) if pa.types.is_decimal256(array.type) else pa.decimal128(38, 0)
    try:
        return pc.cast(array, widest)
    except pa.ArrowInvalid:
        raise OrdersRefused(
            "has a number that is not whole: give strings or integers", column=name
        ) from None


def _all(mask: pa.Array) -> bool:
    """Whether it is true in every row that is not null."""
    return cast(bool, pc.all(mask, min_count=0).as_py()) is not False
