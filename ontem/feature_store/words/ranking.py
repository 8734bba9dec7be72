"""How well a feature fits a query: points for what both say, less for what only one says."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import permutations
from math import log2
from typing import Final

from features_pkg.identifiers import Event, Identifier
from ontem.feature_store.words.concepts import Kind, Said
from ontem.feature_store.words.meaning import FeatureWindow, Meaning
from ontem.feature_store.words.phrases import WEAK
from ontem.feature_store.words.reading import Mention, Query
from ontem.feature_store.words.spans import DAY, SpanFound

PAIR: Final = 10.0
SUBJECT: Final = 6.0
OTHER_SUBJECT: Final = 3.0
"""What a feature loses that is about another identifier than the only one that is named."""
UNSAID_TARGET: Final = 4.0
"""What a feature loses whose target the query does not speak of."""
STATED: Final = 4.0
"""For an event, a measure or a window that the query states."""
UNSAID: Final = 3.0
ORDER_FEATURE: Final = 12.0
REASON: Final = 3.0
MOST_WORD_POINTS: Final = 3.0
PRODUCT: Final = Identifier.PRODUCT

USUAL_WINDOWS: Final = {
    "30d": 1.0,
    "24h": 0.9,
    "ever": 0.8,
    "1h": 0.6,
    "7d": 0.5,
    "90d": 0.4,
    "10m": 0.3,
    "1d": 0.2,
    "6h": 0.1,
}
"""Which come first where a query names none; all others count nothing."""


def points(query: Query, feature: Meaning, rarity: Mapping[str, float]) -> float:
    """How well the feature fits; `rarity` is what a word is worth that few features have."""
    total = _events(query, feature) + _measures(query, feature)
    total += _windows(query, feature) + _reasons(query, feature)
    total += _words(query, feature, rarity)
    if not feature.subject:
        return total + _of_order(query, feature)
    return total + _identifiers(query.mentions, feature)


def _identifiers(mentions: list[Mention], feature: Meaning) -> float:
    if not mentions:
        return -UNSAID_TARGET if feature.target else 0.0
    if len(mentions) == 1:
        return _alone(mentions[0], feature)
    fits = [
        _pair(mentions, subject, target, feature)
        for subject, target in permutations(range(len(mentions)), 2)
    ]
    return max(fits)


def _alone(mention: Mention, feature: Meaning) -> float:
    """Points where the query names a single identifier."""
    subject = SUBJECT * mention.weights.get(feature.subject, 0.0) or -OTHER_SUBJECT
    if not feature.target:
        return subject - mention.is_counted
    target = SUBJECT * mention.weights.get(feature.target, 0.0) if mention.is_counted else 0.0
    return max(subject - UNSAID_TARGET, target - 1.0)


def _pair(mentions: list[Mention], subject: int, target: int, feature: Meaning) -> float:
    """Points where one mention is what is looked at and another what is counted."""
    looked_at, counted = mentions[subject], mentions[target]
    fit = looked_at.weights.get(feature.subject, 0.0)
    # The first that is named is rather the one that is looked at.
    lean = counted.target - looked_at.target + (0.5 if subject < target else -0.5)
    roles = 0.0 if lean > 0 else -3.0
    if feature.target:
        return fit * counted.weights.get(feature.target, 0.0) * (PAIR + 4.0) + roles - 2.0
    return fit * SUBJECT / 2 + roles / 3


def _of_order(query: Query, feature: Meaning) -> float:
    """Points of an order feature, which words of its own name."""
    named = query.weight(Kind.ORDER_FEATURE, feature.name) * ORDER_FEATURE
    total = named
    for mention in query.mentions:
        here = max((mention.weights.get(each, 0.0) for each in feature.identifiers), default=0.0)
        total += 2.0 * here if here else -1.5
    return total + (0.0 if named else _of_order_unnamed(query, feature))


def _of_order_unnamed(query: Query, feature: Meaning) -> float:
    """Points of an order feature that is meant without its own words: "amount", "products"."""
    counted = [mention for mention in query.mentions if mention.is_counted]
    if feature.name == "different_products" and counted == query.mentions:
        return SUBJECT if counted and PRODUCT in counted[0].weights else -2.0
    return SUBJECT / 2 if feature.said and not query.mentions else -2.0


def _events(query: Query, feature: Meaning) -> float:
    chargeback = query.weight(Kind.EVENT, Event.CHARGEBACK)
    order = query.weight(Kind.EVENT, Event.ORDER)
    if chargeback:
        return STATED * chargeback if feature.event == Event.CHARGEBACK else -UNSAID
    if feature.event == Event.CHARGEBACK:
        return -UNSAID - order
    return order


def _measures(query: Query, feature: Meaning) -> float:
    said = query.said.get(Kind.MEASURE, {}) | _by_newness(query.mentions)
    total = 0.0
    for measure in feature.said:
        weight = said.get(measure, 0.0)
        total += STATED * weight if weight else -UNSAID
    return total


def _by_newness(mentions: list[Mention]) -> dict[str, float]:
    """What "new" says: since when the first one is, and beside another one, how much later."""
    if not any(mention.is_new for mention in mentions):
        return {}
    return {Said.FIRST: 1.0, Said.DIFFERENCE: WEAK if len(mentions) > 1 else 0.0}


def _windows(query: Query, feature: Meaning) -> float:
    pasts = {window.past for window in feature.windows}
    total = 1.5 * max((query.weight(Kind.PAST, past) for past in pasts), default=0.0)
    total += _delay([span for span in query.spans if span.is_delay], feature)
    spans = [span for span in query.spans if not span.is_delay]
    if not spans:
        usual = (USUAL_WINDOWS.get(window.text, 0.0) for window in feature.windows)
        return total + max(usual, default=0.0)
    if not feature.windows:
        return total - UNSAID
    best = [max(_span(span, window) for window in feature.windows) for span in spans]
    return total + sum(best) / len(best)


def _delay(delays: list[SpanFound], feature: Meaning) -> float:
    ends = {window.delay_seconds for window in feature.windows if window.delay_seconds}
    if not delays:
        return -2.0 if ends else 0.0
    if not ends:
        return -1.0
    return STATED + max(_closeness(span.seconds, end) for span in delays for end in ends)


def _span(span: SpanFound, window: FeatureWindow) -> float:
    if span.window == "since_cutoff":
        today = {"since_cutoff": STATED, "24h": STATED - 1.0}
        return today.get(window.text, -1.0)
    if span.window == "ever":
        return STATED if window.text == "ever" else -UNSAID
    exact = 0.5 if span.window and span.window == window.text else 0.0
    seconds = DAY if span.window == "1d" else span.seconds
    return STATED * _closeness(seconds, window.seconds) + exact


def _closeness(one: float | None, other: float | None) -> float:
    """1 for equal lengths, 0 for eight times as long, below 0 for more."""
    if not one or not other:
        return -0.5
    return max(-0.5, 1.0 - abs(log2(one / other)) / 3.0)


def _reasons(query: Query, feature: Meaning) -> float:
    return REASON * query.weight(Kind.REASON, feature.reason.english)


def _words(query: Query, feature: Meaning, rarity: Mapping[str, float]) -> float:
    found = sum(rarity.get(word, 0.0) for word in query.words if word in feature.words)
    return min(found, MOST_WORD_POINTS if feature.subject else ORDER_FEATURE)
