"""Features in words, English and Portuguese: what each means, and which one a query means."""

from ontem.feature_store.words.definition import definition_in_words
from ontem.feature_store.words.errors import LanguageUnknown, NothingFound
from ontem.feature_store.words.hit import Hit
from ontem.feature_store.words.search import search

__all__ = ["Hit", "LanguageUnknown", "NothingFound", "definition_in_words", "search"]
