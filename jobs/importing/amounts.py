"""Amounts of a file as whole cents."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features_pkg.array_types import Floats, Ints
from features_pkg.orders.limits import MOST_CENTS
from jobs.importing.errors import ColumnUnusable
from jobs.importing.mapping import AmountUnit
from jobs.importing.refusals import Refusals

CENTS_PER_UNIT: Final = 100
HALF_A_MILLIONTH: Final = 5e-7
FIELD: Final = "amount_cents"


def file_cents(column: pa.Array, unit: AmountUnit, refusals: Refusals) -> Ints:
    """The cents of each row, 0 where the row is refused: null, not a number, negative, too fine.

    Raises ColumnUnusable for a column of a type that does not hold numbers.
    """
    amounts = _as_floats(column)
    refusals.add(~np.isfinite(amounts), FIELD, "is missing or is not a number; write it like 19.90")
    amounts = np.where(np.isfinite(amounts), amounts, 0)
    refusals.add(amounts < 0, FIELD, "is negative")
    exact = amounts * CENTS_PER_UNIT if unit == "currency" else amounts
    refusals.add(exact > MOST_CENTS, FIELD, f"is more than {MOST_CENTS} cents")
    exact = np.clip(exact, 0, MOST_CENTS)
    whole = np.rint(exact)
    # A double holds 17.34 only to some 1e-16 of its size, so 17.34 * 100 misses 1734 by a hair.
    # `slack` is the distance from a whole cent that is such a rounding error: half a millionth of
    # a cent, or a few roundings where the amount is so large that doubles are coarser than that.
    slack = np.maximum(HALF_A_MILLIONTH, exact * 2e-15)
    refusals.add(np.abs(exact - whole) > slack, FIELD, "has parts of a cent")
    return whole.astype(np.int64)


def _as_floats(column: pa.Array) -> Floats:
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _text_as_floats(column)
    if pa.types.is_decimal(kind):
        column = pc.cast(column, pa.float64())
    elif not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_null(kind)):
        raise ColumnUnusable(
            column=FIELD, reason=f"{kind} does not hold numbers: use a number type or text"
        )
    numbers = pc.cast(column, pa.float64(), safe=False)
    return np.asarray(numbers.to_numpy(zero_copy_only=False), np.float64)


def _text_as_floats(column: pa.Array) -> Floats:
    """Numbers with a decimal point, NaN for a text that is not a number."""
    try:
        numbers = pc.cast(column, pa.float64())
    except pa.ArrowInvalid:
        return np.array([_text_as_float(text) for text in column.to_pylist()], np.float64)
    return np.asarray(numbers.to_numpy(zero_copy_only=False), np.float64)


def _text_as_float(text: str | None) -> float:
    try:
        return float("nan" if text is None or "_" in text else text)
    except ValueError:
        return float("nan")
