"""CPF and CNPJ."""

import re
from operator import mul

from stdnum.br import cnpj

from features_pkg.orders.normalising.texts import DASHES

_SEPARATORS = str.maketrans("", "", " .-/" + DASHES)
_ELEVEN_OR_FOURTEEN_DIGITS = re.compile(r"[0-9]{11}(?:[0-9]{3})?")
_LOST_ZEROS = re.compile(r"[1-9][0-9]{0,12}")
_CNPJ_SHAPE = re.compile(r"[0-9A-Z]{12}[0-9]{2}")


def canonical_document(text: str) -> str:
    """A CPF or CNPJ without separators; any other clean text unchanged.

    11 or 14 digits are a CPF or CNPJ even where the check digits are wrong. A CNPJ may contain
    letters (since 2026), but a text with letters is taken for one only where the check digits are
    right: otherwise it may be a foreign document, whose separators and case mean something.

    Digits that lost their leading zeros as a number get them back where that makes a valid one: a
    CPF where both are possible. So eleven digits that are no valid CPF may be a CNPJ.
    """
    if _LOST_ZEROS.fullmatch(text):
        return _filled(text)
    compact = text.translate(_SEPARATORS)
    if _ELEVEN_OR_FOURTEEN_DIGITS.fullmatch(compact):
        return compact
    upper = compact.upper()
    return upper if _CNPJ_SHAPE.fullmatch(upper) and cnpj.is_valid(upper) else text


def _is_cpf(digits: bytes) -> bool:
    """Whether eleven digits end with the check digits of those before; the library is far slower.

    Each check digit is minus the weighted sum of the digits before it, modulo 11, and 0 for 10.
    The digits are bytes, each 48 more than its number: that adds 48 times the weights.
    """
    first = (48 * 54 - sum(map(mul, digits, range(10, 1, -1)))) % 11 % 10
    second = (48 * 65 - sum(map(mul, digits, range(11, 1, -1)))) % 11 % 10
    return digits[9:] == bytes((48 + first, 48 + second))


def _filled(digits: str) -> str:
    for length in (11, 14):
        filled = digits.zfill(length)
        if len(filled) == length and is_valid_document(filled):
            return filled
    return digits


def is_valid_document(canonical: str) -> bool:
    """Whether it is a CPF or CNPJ with right check digits that are not all the same digit."""
    if len(set(canonical)) == 1:
        return False
    if len(canonical) == 11:
        return canonical.isascii() and canonical.isdigit() and _is_cpf(canonical.encode())
    return _CNPJ_SHAPE.fullmatch(canonical) is not None and bool(cnpj.is_valid(canonical))
