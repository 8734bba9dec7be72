"""The amount of an order in whole cents, exactly."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Any, Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features_pkg.array_types import Ints
from features_pkg.errors import OrdersRefused
from features_pkg.orders.fields.refusals import MISSING, Refusals, ValueRefused, read_distinct
from features_pkg.orders.limits import MOST_CENTS
from features_pkg.orders.tables import plain_array

AmountUnit = Literal["cents", "currency"]
FIELD: Final = "amount_cents"
FLOAT_TOLERANCE_CENTS: Final = 0.01
"""How far a float may be from a whole cent, whatever the amount: sums of floats miss by a hair."""

NEGATIVE: Final = "is negative"
TOO_LARGE: Final = f"is more than {MOST_CENTS} cents"
TOO_FINE: Final = "has parts of a cent"
NO_NUMBER: Final = "is not a number; write it like 19.90"
TOO_COARSE: Final = "is so large that its type of floats skips cents: give decimals or doubles"

_DIGITS_KEPT: Final = Context(prec=200)
"""Enough for every digit of a text of `_LONGEST_NUMBER` characters, so nothing is rounded."""
_LONGEST_NUMBER: Final = 64
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_AMBIGUOUS: Final = re.compile(
    r"[+-]?(?:[1-9][0-9]{0,2}(?:\.[0-9]{3})+|[0-9]+(?:\.[0-9]{3})*,[0-9]*|[0-9]{1,3}(?:,[0-9]{3})+"
    r"(?:\.[0-9]*)?)"
)
"""Texts that two countries read as two numbers: 1.230 and 19,90 and 1,230.50."""


class AmountAmbiguous(ValueError):
    """A text such as `1.230`, which is another number where the comma is the decimal mark."""


@dataclass(frozen=True, slots=True)
class AmountFormat:
    """How a table writes its amounts."""

    unit: AmountUnit = "cents"
    decimal_mark: str | None = None
    """None is a point, and refuses a column of texts that could be meant otherwise."""
    thousands_mark: str | None = None


PLAIN: Final = AmountFormat()


def read_cents(cents: int | None) -> int:
    """Whole cents, in range. Raises ValueRefused."""
    if cents is None:
        raise ValueRefused(FIELD, MISSING)
    if cents < 0:
        raise ValueRefused(FIELD, NEGATIVE)
    if cents > MOST_CENTS:
        raise ValueRefused(FIELD, TOO_LARGE)
    return cents


def read_number(number: Decimal, unit: AmountUnit) -> int:
    """The cents of an exact number. Raises ValueRefused."""
    if number < 0:
        raise ValueRefused(FIELD, NEGATIVE)
    most = MOST_CENTS if unit == "cents" else Decimal(MOST_CENTS).scaleb(-2)
    if number > most:
        raise ValueRefused(FIELD, TOO_LARGE)
    exact = number if unit == "cents" else number.scaleb(2, _DIGITS_KEPT)
    whole = int(exact)
    if whole != exact:
        raise ValueRefused(FIELD, TOO_FINE)
    return whole


def read_text(text: str, form: AmountFormat) -> int:
    """The cents of a text.

    Raises ValueRefused, or AmountAmbiguous where `form` has no decimal mark and needs one.
    """
    text = text.strip()
    if not text:
        raise ValueRefused(FIELD, MISSING)
    if form.decimal_mark is None and _AMBIGUOUS.fullmatch(text):
        raise AmountAmbiguous
    number = _with_point(text, form)
    if number is None or len(number) > _LONGEST_NUMBER or not _NUMBER.fullmatch(number):
        raise ValueRefused(FIELD, NO_NUMBER)
    return read_number(Decimal(number), form.unit)


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


def _with_point(text: str, form: AmountFormat) -> str | None:
    """The text with a decimal point and without thousands marks; None where they are misplaced."""
    if form.decimal_mark is None:
        return text
    whole, mark, fraction = text.partition(form.decimal_mark)
    if form.thousands_mark is not None and form.thousands_mark in whole:
        groups = whole.lstrip("+-").split(form.thousands_mark)
        if not 1 <= len(groups[0]) <= 3 or any(len(group) != 3 for group in groups[1:]):
            return None
        whole = whole.replace(form.thousands_mark, "")
    if form.decimal_mark != "." and "." in whole + fraction:
        return None
    return f"{whole}.{fraction}" if mark else whole


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
