"""What a feature is about, in the terms in which queries are read."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

from features_pkg.definitions.derived import Derived, DerivedKind, Feature, parse_feature
from features_pkg.definitions.order_features import VALUE_FEATURES
from features_pkg.definitions.reason_groups import is_speed_up, reason_of
from features_pkg.definitions.reasons import Reason
from features_pkg.definitions.velocity import Measure, Velocity
from features_pkg.identifiers import Event
from ontem.feature_store.words.concepts import Said
from ontem.feature_store.words.definition import definition_in_words
from ontem.feature_store.words.spans import DAY
from ontem.feature_store.words.texts import ENGLISH, PORTUGUESE
from ontem.feature_store.words.tokens import singulars, tokens_of

EVER_SECONDS: Final = 5 * 365 * DAY
"""For comparing lengths only: `ever` is longer than any window that a query names."""

_OF_MEASURE: Final = {
    Measure.AMOUNT: frozenset((Said.AMOUNT,)),
    Measure.FIRST_AGE: frozenset((Said.FIRST,)),
    Measure.LAST_AGE: frozenset((Said.LAST,)),
}
_OF_KIND: Final = {
    DerivedKind.MEAN: frozenset((Said.AMOUNT, Said.MEAN)),
    DerivedKind.CHARGEBACK_SHARE: frozenset((Said.SHARE,)),
    DerivedKind.AMOUNT_TO_MEAN: frozenset((Said.AMOUNT, Said.MEAN, Said.UNUSUAL)),
    DerivedKind.QUOTIENT: frozenset((Said.QUOTIENT,)),
    DerivedKind.DIFFERENCE: frozenset((Said.DIFFERENCE,)),
}


@dataclass(frozen=True, slots=True)
class FeatureWindow:
    """A window of a feature: its text without the delay, its length if it has one, and its end."""

    text: str
    seconds: float | None
    delay_seconds: float
    past: str


@dataclass(frozen=True, slots=True)
class Meaning:
    """A feature as what can be said of it; `subject` is empty for an order feature."""

    name: str
    subject: str
    target: str
    identifiers: frozenset[str]
    event: str
    said: frozenset[Said]
    windows: tuple[FeatureWindow, ...]
    reason: Reason
    words: frozenset[str]
    """Of its name, its definitions and its reason, singular where that is known."""


@cache
def meaning_of(name: str) -> Meaning:
    """The meaning of the feature of that name. Raises DefinitionError."""
    feature = parse_feature(name)
    velocities = _velocities(feature)
    first = velocities[0] if velocities else None
    identifiers = {str(velocity.identifier) for velocity in velocities}
    identifiers |= {str(velocity.target) for velocity in velocities if velocity.target}
    if isinstance(feature, str) and feature in VALUE_FEATURES:
        identifiers = {str(part.identifier) for part in VALUE_FEATURES[feature].parts}
    reason = reason_of(feature)
    return Meaning(
        name=name,
        subject=str(first.identifier) if first else "",
        target=_target(velocities),
        identifiers=frozenset(identifiers),
        event=str(first.event) if first else Event.ORDER,
        said=_said(feature),
        windows=tuple(dict.fromkeys(_window(v) for v in velocities if v.window)),
        reason=reason,
        words=_words(name, reason),
    )


def _velocities(feature: Feature) -> tuple[Velocity, ...]:
    if isinstance(feature, Velocity):
        return (feature,)
    return feature.velocities if isinstance(feature, Derived) else ()


def _target(velocities: tuple[Velocity, ...]) -> str:
    """What is counted apart, or the second identifier of a quotient or a difference."""
    targets = [str(velocity.target) for velocity in velocities if velocity.target]
    others = [str(v.identifier) for v in velocities if v.identifier != velocities[0].identifier]
    return next(iter((*targets, *others)), "")


def _said(feature: Feature) -> frozenset[Said]:
    if isinstance(feature, str):
        return frozenset((Said.AMOUNT,)) if feature == "amount_cents" else frozenset()
    if isinstance(feature, Velocity):
        return _OF_MEASURE.get(feature.measure, frozenset())
    if is_speed_up(feature):
        return frozenset((Said.SPEED_UP,))
    said = _OF_KIND[feature.kind]
    if feature.kind in (DerivedKind.QUOTIENT, DerivedKind.DIFFERENCE):
        said |= frozenset().union(*(_said(operand) for operand in feature.operands))
    return said


def _window(velocity: Velocity) -> FeatureWindow:
    window, past = velocity.window, velocity.past
    assert window is not None  # noqa: S101  asked of windowed velocities only
    seconds = EVER_SECONDS if window.is_ever else None
    if window.span_us is not None:
        seconds = window.span_us // 1_000_000
    text = window.text.partition("_delay_")[0]
    return FeatureWindow(text, seconds, window.delay_days * DAY, str(past))


def _words(name: str, reason: Reason) -> frozenset[str]:
    texts = [name, reason.english, reason.portuguese, reason.words]
    texts += [definition_in_words(name, language) for language in (ENGLISH, PORTUGUESE)]
    tokens = [token for text in texts for token in tokens_of(text.replace("_", " "))]
    return frozenset(each for token in tokens for each in singulars(token))
