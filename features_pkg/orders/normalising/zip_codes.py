"""CEPs, complete or as the five-digit prefix that some sources publish."""

import re

from features_pkg.orders.normalising.texts import DASHES

_SEPARATORS = str.maketrans("", "", " .-" + DASHES)
_EIGHT_DIGITS = re.compile(r"[0-9]{8}")
_LOST_ZERO = re.compile(r"[1-9](?:[0-9]{3}|[0-9]{6})")
CEP_OR_PREFIX = re.compile(r"(?:0[1-9]|[1-9][0-9])[0-9]{3}(?:[0-9]{3})?")


def canonical_zip_code(text: str) -> str:
    """A CEP of eight digits without separators; other clean text, such as a prefix, unchanged.

    A CEP or prefix that lost its leading zero as a number gets it back.
    """
    if _LOST_ZERO.fullmatch(text):
        return f"0{text}"
    compact = text.translate(_SEPARATORS)
    return compact if _EIGHT_DIGITS.fullmatch(compact) else text


def is_valid_zip_code(canonical: str) -> bool:
    """Whether it can be a CEP or its five-digit prefix; the first CEP is 01000-000."""
    return CEP_OR_PREFIX.fullmatch(canonical) is not None
