"""The features that a query means, the best first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from math import log

from ontem.feature_store.words.definition import definition_in_words
from ontem.feature_store.words.errors import NothingFound
from ontem.feature_store.words.hit import Hit
from ontem.feature_store.words.meaning import Meaning, meaning_of
from ontem.feature_store.words.nearest import nearest_names
from ontem.feature_store.words.ranking import points
from ontem.feature_store.words.reading import Query, read_query
from ontem.feature_store.words.tokens import singulars

DEFAULT_LIMIT = 10
FEWEST = 3
"""How many hits a query has that is about features at all."""
SURE = 1000.0
"""The score of the feature whose whole name is the query."""


def search(query: str, names: Sequence[str], limit: int = DEFAULT_LIMIT) -> list[Hit]:
    """The features among `names` that a query in English or Portuguese means, the best first.

    The same query and names give the same list. Features with equal scores keep the order of
    `names`.

    Raises:
        NothingFound: with the nearest names, where nothing in the query is about a feature.
    """
    read = read_query(query)
    rarity = _rarity(tuple(names))
    if not _speaks_of_features(read, rarity):
        raise NothingFound(query, nearest_names(query, names))
    scored = [(_score(query, read, meaning_of(name), rarity), name) for name in names]
    scored.sort(key=lambda each: -each[0])
    # A query that speaks of too many things at once fits none well: then these fit it best.
    best = [each for each in scored if each[0] > 0] or scored[:FEWEST]
    return [
        Hit(name, round(score, 2), definition_in_words(name, read.language))
        for score, name in best[:limit]
    ]


def _score(text: str, query: Query, feature: Meaning, rarity: dict[str, float]) -> float:
    if text.strip() == feature.name:
        return SURE
    return points(query, feature, rarity)


def _speaks_of_features(query: Query, rarity: dict[str, float]) -> bool:
    known = [word for word in query.words if word in rarity]
    query.words[:] = [each for word in query.words for each in singulars(word)[:2]]
    return bool(query.mentions or query.said or query.spans or known)


@lru_cache(maxsize=8)
def _rarity(names: tuple[str, ...]) -> dict[str, float]:
    """What each word of the features is worth: the fewer have it, the more."""
    having = Counter(word for name in names for word in meaning_of(name).words)
    return {word: log(len(names) / count) for word, count in having.items()}
