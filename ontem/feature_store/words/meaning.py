"""What a feature is about, in the terms in which queries are read."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from features_pkg.definitions.order_features import ORDER_FEATURES, VALUE_FEATURES
from features_pkg.definitions.reasons import ORDER_FEATURE_REASONS, Reason, reason_of
from features_pkg.definitions.velocity import EVER, Measure, Velocity, parse_name
from features_pkg.identifiers import Event
from ontem.feature_store.words.concepts import Said
from ontem.feature_store.words.definition import definition_in_words
from ontem.feature_store.words.spans import DAY
from ontem.feature_store.words.texts import ENGLISH, PORTUGUESE
from ontem.feature_store.words.tokens import singulars, tokens_of

EVER_SECONDS = 5 * 365 * DAY
"""For comparing lengths only: `ever` is longer than any window that a query names."""

_SAID = {
    Measure.AMOUNT: frozenset((Said.AMOUNT,)),
    Measure.FIRST_AGE: frozenset((Said.FIRST,)),
    Measure.LAST_AGE: frozenset((Said.LAST,)),
}


@dataclass(frozen=True, slots=True)
class Meaning:
    """A feature as what can be said of it; `subject` is empty for an order feature."""

    name: str
    subject: str
    target: str
    identifiers: frozenset[str]
    event: str
    said: frozenset[Said]
    window: str
    seconds: float | None
    delay_seconds: float
    past: str
    reason: Reason
    words: frozenset[str]
    """Of its name, its definitions and its reason, singular where that is known."""


@cache
def meaning_of(name: str) -> Meaning:
    """The meaning of the feature of that name. Raises DefinitionError."""
    if name in ORDER_FEATURES:
        return _order_feature(name)
    return _velocity(parse_name(name))


def _order_feature(name: str) -> Meaning:
    parts = VALUE_FEATURES[name].parts if name in VALUE_FEATURES else ()
    reason = ORDER_FEATURE_REASONS[name]
    return Meaning(
        name=name,
        subject="",
        target="",
        identifiers=frozenset(str(part.identifier) for part in parts),
        event=Event.ORDER,
        said=frozenset((Said.AMOUNT,)) if name == "amount_cents" else frozenset(),
        window="",
        seconds=None,
        delay_seconds=0.0,
        past="",
        reason=reason,
        words=_words(name, reason),
    )


def _velocity(velocity: Velocity) -> Meaning:
    window, reason = velocity.window, reason_of(velocity)
    return Meaning(
        name=velocity.name,
        subject=velocity.identifier,
        target=velocity.target or "",
        identifiers=frozenset(filter(None, (velocity.identifier, velocity.target))),
        event=velocity.event,
        said=_SAID.get(velocity.measure, frozenset()),
        window=window.text if window else "",
        seconds=_seconds(velocity),
        delay_seconds=0.0,
        past=velocity.past or "",
        reason=reason,
        words=_words(velocity.name, reason),
    )


def _seconds(velocity: Velocity) -> float | None:
    window = velocity.window
    if window is None or window.is_since_cutoff:
        return None
    if window.text == EVER:
        return EVER_SECONDS
    return None if window.span_us is None else window.span_us / 1_000_000


def _words(name: str, reason: Reason) -> frozenset[str]:
    texts = [name, reason.english, reason.portuguese, reason.words]
    texts += [definition_in_words(name, language) for language in (ENGLISH, PORTUGUESE)]
    tokens = [token for text in texts for token in tokens_of(text.replace("_", " "))]
    return frozenset(each for token in tokens for each in singulars(token))
