"""Text without what the eye does not see: the ground under every other normaliser."""

import re
import unicodedata

_REMOVED = {"Cf", "Cs"}  # invisible (zero-width, soft hyphen), and halves of surrogate pairs
_RUNS = re.compile(r"\s+")


def clean(text: str) -> str:
    """`text` in NFC, trimmed, each run of blanks and control characters as one blank.

    Invisible characters go: a value that looks the same is the same. Idempotent.
    """
    if text.isascii() and text.isprintable() and "  " not in text:
        return text.strip()
    kept = (
        " " if category == "Cc" else character
        for character, category in ((c, unicodedata.category(c)) for c in text)
        if category not in _REMOVED
    )
    return _RUNS.sub(" ", unicodedata.normalize("NFC", "".join(kept))).strip()


def lowered(text: str) -> str:
    """A clean text in lower case, still in NFC."""
    return unicodedata.normalize("NFC", text.lower())
