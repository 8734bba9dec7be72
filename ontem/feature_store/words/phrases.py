"""The phrases of the lexicon as a query has them, and the longest one at some word of it."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from features_pkg.definitions.reasons import REASONS
from ontem.feature_store.words.concepts import Kind
from ontem.feature_store.words.lexicon import ENTRIES
from ontem.feature_store.words.roles import SILENT, WEAK_SUBJECT
from ontem.feature_store.words.tokens import singulars, tokens_of

WEAK: Final = 0.6
"""How much a phrase with `?` means what it means."""
LONGEST: Final = 4
Phrase = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Concept:
    """One meaning of a phrase, and how surely it has it."""

    kind: Kind
    value: str
    weight: float


@cache
def meanings() -> dict[Phrase, tuple[Concept, ...]]:
    """All meanings of each phrase."""
    found: dict[Phrase, dict[tuple[Kind, str], float]] = {}
    for entry in ENTRIES:
        for words in f"{entry.english},{entry.portuguese}".split(","):
            weight = WEAK if words.endswith("?") else 1.0
            of_phrase = found.setdefault(_phrase(words), {})
            of_phrase.setdefault((entry.kind, entry.value), weight)
    return {
        phrase: tuple(Concept(kind, value, weight) for (kind, value), weight in each.items())
        for phrase, each in found.items()
    }


@cache
def reasons() -> dict[Phrase, str]:
    """The reason that each phrase stands for, by its English sentence."""
    return {
        _phrase(words): reason.english for reason in REASONS for words in reason.words.split(",")
    }


@cache
def portuguese() -> frozenset[Phrase]:
    """The phrases that are Portuguese and not English, too."""
    english = {_phrase(words) for entry in ENTRIES for words in entry.english.split(",")}
    either = {_phrase(words) for entry in ENTRIES for words in entry.portuguese.split(",")}
    return frozenset(either - english)


def longest_phrase(
    tokens: Sequence[str], position: int, phrases: Container[Phrase]
) -> tuple[Phrase, int]:
    """The longest of `phrases` that begins at a word of the query, and how many words it takes.

    Words that say nothing may stand within it: "number of this card" has the phrase "number card".
    """
    best: tuple[Phrase, int] = ((), 0)
    options: list[Phrase] = [()]
    for words, token in enumerate(tokens[position:], start=1):
        if _is_quiet(token):
            if words == 1:
                break
            continue
        options = [(*so_far, each) for so_far in options for each in singulars(token)]
        found = next((option for option in options if option in phrases), None)
        if found:
            best = (found, words)
        if len(options[0]) == LONGEST:
            break
    return best


def _is_quiet(token: str) -> bool:
    return token in SILENT or token in WEAK_SUBJECT


def _phrase(words: str) -> Phrase:
    return tuple(token for token in tokens_of(words) if not _is_quiet(token))
