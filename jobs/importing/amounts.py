"""Amounts of a file as whole cents."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features_pkg.array_types import Floats, Ints
from features_pkg.orders.limits import MOST_CENTS
from jobs.importing.errors import ColumnUnusable
from jobs.importing.mapping import Unit
from jobs.importing.refusals import Refusals

CENTS_PER_UNIT: Final = 100
HALF_A_MILLIONTH: Final = 5e-7
FIELD: Final = "amount_cents"


def cents(column: pa.Array, unit: Unit, refusals: Refusals) -> Ints:
    """Cents per row, 0 where the row is refused: null, no number, negative, or too fine.

    Raises ColumnUnusable for a column that holds no numbers.
    """
    amounts = _numbers(column)
    refusals.add(~np.isfinite(amounts), FIELD, "is missing or no number such as 19.90")
    amounts = np.where(np.isfinite(amounts), amounts, 0)
    refusals.add(amounts < 0, FIELD, "is negative")
    exact = amounts * CENTS_PER_UNIT if unit == "currency" else amounts
    refusals.add(exact > MOST_CENTS, FIELD, f"is more than {MOST_CENTS} cents")
    exact = np.clip(exact, 0, MOST_CENTS)
    whole = np.rint(exact)
    # A double of 17.34 is off by some 1e-15 of itself, so times 100 it is a hair beside 1734.
    slack = np.maximum(HALF_A_MILLIONTH, exact * 2e-15)
    refusals.add(np.abs(exact - whole) > slack, FIELD, "has parts of a cent")
    return whole.astype(np.int64)


def _numbers(column: pa.Array) -> Floats:
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _from_text(column)
    if pa.types.is_decimal(kind):
        column = pc.cast(column, pa.float64())
    elif not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_null(kind)):
        raise ColumnUnusable(column=FIELD, reason=f"{kind} is no number")
    numbers = pc.cast(column, pa.float64(), safe=False)
    return np.asarray(numbers.to_numpy(zero_copy_only=False), np.float64)


def _from_text(column: pa.Array) -> Floats:
    """Numbers with a decimal point, NaN for what is none."""
    try:
        numbers = pc.cast(column, pa.float64())
    except pa.ArrowInvalid:
        return np.array([_number(text) for text in column.to_pylist()], np.float64)
    return np.asarray(numbers.to_numpy(zero_copy_only=False), np.float64)


def _number(text: str | None) -> float:
    try:
        return float("nan" if text is None or "_" in text else text)
    except ValueError:
        return float("nan")
