"""The shape of a language's definitions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from features_pkg.identifiers import Event, Identifier

ENGLISH: Final = "en"
PORTUGUESE: Final = "pt"


@dataclass(frozen=True, slots=True)
class Noun:
    """What an identifier is called: one of it, and several."""

    one: str
    several: str


@dataclass(frozen=True, slots=True)
class Texts:
    """The sentences of one language.

    `{one}` is the identifier, `{several}` the target, `{when}` the window, `{number}` its length,
    `{delay}` how long before the cutoff it ends.
    """

    nouns: Mapping[Identifier, Noun]
    count: Mapping[Event, str]
    distinct: Mapping[Event, str]
    amount: Mapping[Event, str]
    first: Mapping[Event, str]
    last: Mapping[Event, str]
    mean: Mapping[Event, str]
    chargeback_share: str
    amount_to_mean: str
    greatest: str
    """Which of an order's several products counts; the next are of ages and of derived features."""
    least: str
    each_greatest: str
    quotient: str
    """Of `{first}` and `{second}`, as the difference."""
    difference: str
    whole_days: Noun
    days: Noun
    delayed_days: Noun
    ever_delayed: str
    spans: Mapping[str, Noun]
    """Of recent windows, by their unit."""
    ever_distant: str
    ever_recent: str
    since_cutoff: str
    order_features: Mapping[str, str]
