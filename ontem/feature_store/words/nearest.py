"""The names of features that look most like another text."""

from __future__ import annotations

from collections.abc import Sequence

from features_pkg.definitions.derived import Feature, parse_feature
from features_pkg.errors import DefinitionError
from ontem.feature_store.words.errors import NameUnknown
from ontem.feature_store.words.tokens import tokens_of


def nearest_names(text: str, names: Sequence[str], count: int = 3) -> tuple[str, ...]:
    """The names that share most with a text, piece by piece of three characters.

    >>> nearest_names("card_order_7d", ["ip_orders_7d_distant", "card_orders_7d_distant"], 1)
    ('card_orders_7d_distant',)
    """
    pieces = _pieces("_".join(tokens_of(text)))
    likeness = [(-_likeness(pieces, _pieces(name)), name) for name in names]
    return tuple(name for _, name in sorted(likeness, key=lambda each: each[0])[:count])


def read_name(name: str, known: Sequence[str]) -> Feature:
    """The definition that a name stands for; it need not be one of the `known` names.

    Raises NameUnknown, with those of them that are nearest.
    """
    try:
        return parse_feature(name)
    except DefinitionError as refused:
        near = nearest_names(name, known)
        raise NameUnknown(name, reason=refused.reason, nearest=near) from None


def _pieces(text: str) -> frozenset[str]:
    padded = f"__{text}__"
    return frozenset(padded[at : at + 3] for at in range(len(padded) - 2))


def _likeness(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / len(one | other)
