"""Features in words, English and Portuguese: what each means, and which one a query means."""

from ontem.feature_store.words.definition import definition_in_words, window_in_words
from ontem.feature_store.words.errors import LanguageUnknown, NameUnknown, NothingFound
from ontem.feature_store.words.hit import Hit
from ontem.feature_store.words.nearest import nearest_names
from ontem.feature_store.words.search import search

__all__ = [
    "Hit",
    "LanguageUnknown",
    "NameUnknown",
    "NothingFound",
    "definition_in_words",
    "nearest_names",
    "search",
    "window_in_words",
]
