"""CEPs, complete or as the five-digit prefix that some sources publish."""

import re

_SEPARATORS = str.maketrans("", "", " .-")
_EIGHT_DIGITS = re.compile(r"[0-9]{8}")
_CEP_OR_PREFIX = re.compile(r"(?:0[1-9]|[1-9][0-9])[0-9]{3}(?:[0-9]{3})?")


def canonical_zip_code(text: str) -> str:
    """A CEP of eight digits without separators; other clean text, such as a prefix, unchanged."""
    compact = text.translate(_SEPARATORS)
    return compact if _EIGHT_DIGITS.fullmatch(compact) else text


def is_valid_zip_code(canonical: str) -> bool:
    """Whether it can be a CEP or its five-digit prefix; the first CEP is 01000-000."""
    return _CEP_OR_PREFIX.fullmatch(canonical) is not None
