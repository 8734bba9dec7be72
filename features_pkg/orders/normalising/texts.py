"""Text without invisible characters: what every other normaliser starts from."""

import re
import unicodedata
from typing import Final

DASHES: Final = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212"
"""What word processors write for a hyphen: it separates as a hyphen does."""

_REMOVED = {"Cf", "Cs"}  # invisible (zero width, soft hyphen); halves of surrogate pairs
_BLANKS = re.compile(r"\s+")
_WHOLE_FLOAT = re.compile(r"[0-9]+\.0")


def clean(text: str) -> str:
    """`text` in NFC, trimmed, with one blank for each run of blanks and control characters.

    Invisible characters are removed, so that values that look the same are the same. Idempotent.
    """
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()
    visible = (
        " " if category == "Cc" else character
        for character, category in ((c, unicodedata.category(c)) for c in text)
        if category not in _REMOVED
    )
    return _BLANKS.sub(" ", unicodedata.normalize("NFC", "".join(visible))).strip()


def lowered(text: str) -> str:
    """A clean text in lower case, still in NFC."""
    return unicodedata.normalize("NFC", text.lower())


def without_fraction(text: str) -> str:
    """The digits of a text such as `1310100.0`, which was a number in some table; others as is."""
    return text[:-2] if text.endswith(".0") and _WHOLE_FLOAT.fullmatch(text) else text
