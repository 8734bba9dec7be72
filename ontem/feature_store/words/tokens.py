"""Text as words that compare: without case, accents and plurals."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_WORD: Final = re.compile(r"[a-z0-9]+")
_SPELLINGS: Final = (
    ("e-mail", "email"),
    ("r$", " reais "),
    ("'s", ""),
    ("\N{RIGHT SINGLE QUOTATION MARK}s", ""),
)
_PLURALS: Final = (("oes", "ao"), ("ies", "y"), ("ais", "al"), ("ns", "m"), ("es", ""), ("s", ""))
"""Endings of plurals and what they are in the singular, in English or Portuguese."""


def tokens_of(text: str) -> list[str]:
    """The words of a text in lower case and without accents, in their order.

    >>> tokens_of("Cartões neste E-mail")
    ['cartoes', 'neste', 'email']
    """
    folded = text.casefold()
    for spelling, token in _SPELLINGS:
        folded = folded.replace(spelling, token)
    parts = unicodedata.normalize("NFKD", folded)
    return _WORD.findall("".join(part for part in parts if not unicodedata.combining(part)))


def singulars(token: str) -> tuple[str, ...]:
    """The token and what it may be the plural of, in the order in which to try them.

    >>> singulars("cartoes")
    ('cartoes', 'cartao', 'carto', 'cartoe')
    """
    ends = [
        token.removesuffix(plural) + singular
        for plural, singular in _PLURALS
        if token.endswith(plural) and len(token) > len(plural) + 1
    ]
    return (token, *ends)
