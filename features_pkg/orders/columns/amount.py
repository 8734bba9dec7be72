"""The amounts of a column in whole cents, exactly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features_pkg.array_types import Ints
from features_pkg.errors import OrdersRefused
from features_pkg.orders.columns.distinct import read_distinct
from features_pkg.orders.columns.tables import plain_array
from features_pkg.orders.fields.amount import (
    FIELD,
    NEGATIVE,
    NO_NUMBER,
    TOO_FINE,
    TOO_LARGE,
    AmountAmbiguous,
    AmountFormat,
    AmountUnit,
    read_number,
    read_text,
)
from features_pkg.orders.fields.refusals import MISSING, Refusals
from features_pkg.orders.limits import MOST_CENTS

FLOAT_TOLERANCE_CENTS: Final = 0.01
"""How far a float may be from a whole cent, whatever the amount: sums of floats miss by a hair."""
TOO_COARSE: Final = "is so large that its type of floats skips cents: give decimals or doubles"


def column_cents(column: pa.Array, form: AmountFormat, refusals: Refusals) -> Ints:
    """The cents of each row, 0 where the row is refused.

    Raises OrdersRefused for a column that does not hold numbers, and for a column of texts of which
    one can be read as two numbers.
    """
    plain = plain_array(column, FIELD)
    kind = plain.type
    if plain.null_count == len(plain):
        refusals.add(np.ones(len(plain), bool), FIELD, MISSING)
        return np.zeros(len(plain), np.int64)
    refusals.add(np.asarray(pc.is_null(plain)), FIELD, MISSING)
    if pa.types.is_large_string(kind):
        return _read_each(plain, lambda text: read_text(text, form), refusals)
    if pa.types.is_decimal(kind):
        return _read_each(plain, lambda number: read_number(number, form.unit), refusals)
    if pa.types.is_integer(kind):
        return _integer_cents(plain, form.unit, refusals)
    if pa.types.is_floating(kind):
        return _float_cents(plain, form.unit, refusals)
    raise OrdersRefused(f"is {kind}, which does not hold numbers: give numbers or text",
                        column=FIELD)  # fmt: skip


def _read_each(plain: pa.Array, read: Callable[[Any], int], refusals: Refusals) -> Ints:
    try:
        cents = read_distinct(plain, read, refusals)
    except AmountAmbiguous:
        raise OrdersRefused(
            "has a text such as 1.230 or 19,90, which is another number elsewhere: state the "
            'decimal mark of all of them (decimal_mark = "," or "." in the mapping)',
            column=FIELD,
        ) from None
    return np.array([value or 0 for value in cents], np.int64)


def _integer_cents(plain: pa.Array, unit: AmountUnit, refusals: Refusals) -> Ints:
    factor = 1 if unit == "cents" else 100
    numbers = pc.fill_null(plain, 0).to_numpy(zero_copy_only=False)
    negative, too_large = numbers < 0, numbers > MOST_CENTS // factor
    refusals.add(negative, FIELD, NEGATIVE)
    refusals.add(too_large, FIELD, TOO_LARGE)
    return np.where(negative | too_large, 0, numbers).astype(np.int64) * factor


def _float_cents(plain: pa.Array, unit: AmountUnit, refusals: Refusals) -> Ints:
    """The cents that a float is nearest to, or misses by FLOAT_TOLERANCE_CENTS at most.

    17.34 is no double, and 17.34 * 100 misses 1734 by a hair; but no double is nearer to 17.34, so
    dividing 1734 by 100 gives this very double. That holds for floats of 32 bits, too, as long as
    neighbouring floats are less than a cent apart.
    """
    factor = 1 if unit == "cents" else 100
    numbers = pc.fill_null(plain, 0).to_numpy(zero_copy_only=False)
    finite = np.isfinite(numbers)
    refusals.add(~finite, FIELD, NO_NUMBER)
    numbers = np.where(finite, numbers, 0)
    in_cents = numbers.astype(np.float64) * factor
    refusals.add(numbers < 0, FIELD, NEGATIVE)
    refusals.add(in_cents > MOST_CENTS, FIELD, TOO_LARGE)
    outside = (numbers < 0) | (in_cents > MOST_CENTS)
    in_cents, numbers = np.where(outside, 0, in_cents), np.where(outside, 0, numbers)
    gap_cents = np.spacing(numbers).astype(np.float64) * factor
    refusals.add(gap_cents > 1, FIELD, TOO_COARSE)
    whole = np.rint(in_cents)
    nearest = (whole / factor).astype(numbers.dtype) == numbers
    close = np.abs(in_cents - whole) <= FLOAT_TOLERANCE_CENTS
    refusals.add(~(nearest | close), FIELD, TOO_FINE)
    return whole.astype(np.int64)
