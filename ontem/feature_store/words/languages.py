"""The languages of definitions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ontem.feature_store.words.english import IN_ENGLISH
from ontem.feature_store.words.errors import LanguageUnknown
from ontem.feature_store.words.portuguese import IN_PORTUGUESE
from ontem.feature_store.words.texts import ENGLISH, PORTUGUESE, Texts

TEXTS: Final[Mapping[str, Texts]] = {ENGLISH: IN_ENGLISH, PORTUGUESE: IN_PORTUGUESE}


def texts_of(language: str) -> Texts:
    """The sentences of a language. Raises LanguageUnknown."""
    if language not in TEXTS:
        raise LanguageUnknown(language, tuple(TEXTS))
    return TEXTS[language]
