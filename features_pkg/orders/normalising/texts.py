"""Text without invisible characters: what every other normaliser starts from."""

import re
import unicodedata

_REMOVED = {"Cf", "Cs"}  # invisible (zero width, soft hyphen); halves of surrogate pairs
_BLANKS = re.compile(r"\s+")


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
