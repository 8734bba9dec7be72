"""The amount of an order in whole cents, exactly."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Final, Literal

from features_pkg.orders.fields.refusals import MISSING, ValueRefused
from features_pkg.orders.limits import MOST_CENTS

AmountUnit = Literal["cents", "currency"]
FIELD: Final = "amount_cents"

NEGATIVE: Final = "is negative"
TOO_LARGE: Final = f"is more than {MOST_CENTS} cents"
TOO_FINE: Final = "has parts of a cent"
NO_NUMBER: Final = "is not a number; write it like 19.90"

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
