"""What can be said of a feature without looking at any store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from features_pkg.definitions.catalogue import CATALOGUE, DERIVED_CATALOGUE, served
from features_pkg.definitions.derived import (
    Derived,
    DerivedKind,
    Feature,
    feature_name,
)
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.definitions.missing import DISTANT, HISTORY_DAYS, RECENT, distant_of, needs
from features_pkg.definitions.order_features import VALUE_FEATURES
from features_pkg.definitions.reason_groups import reason_of
from features_pkg.definitions.velocity import Velocity
from features_pkg.errors import DefinitionError
from features_pkg.identifiers import MERCHANT
from ontem.feature_store.words.definition import definition_in_words, window_in_words
from ontem.feature_store.words.formula import formula_of
from ontem.feature_store.words.nearest import read_name
from ontem.feature_store.words.search import search
from ontem.feature_store.words.texts import ENGLISH, PORTUGUESE

NEAREST: Final = 5
SHIPPED: Final = FeatureSet("UTC", timedelta(0))
"""For names and timelines only, which depend on no setting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureSheet:
    """A feature by its definition alone. `window` is empty for what has none."""

    name: str
    kind: str
    words: str
    reason: str
    """Why it matters in fraud."""
    formula: str
    past: str
    window: str
    reads: tuple[str, ...]
    """The features that it is computed from, if it is derived."""
    null_for: tuple[str, ...]
    served: str
    """Whether it ships, or what it takes to serve it."""
    nearest: tuple[str, ...]
    """The shipped features that are about the most similar things."""


def sheet_of(name: str, language: str = ENGLISH) -> FeatureSheet:
    """The sheet of the feature of that name, whether it ships or not.

    Raises NameUnknown, with the nearest names, and LanguageUnknown.
    """
    feature = read_name(name, SHIPPED.names)
    reason = reason_of(feature)
    velocities = _velocities(feature)
    return FeatureSheet(
        name=name,
        kind=_kind(feature),
        words=definition_in_words(feature, language),
        reason=reason.portuguese if language == PORTUGUESE else reason.english,
        formula=formula_of(feature),
        past=_past(velocities),
        window=_windows(velocities, language),
        reads=feature.operand_names if isinstance(feature, Derived) else (),
        null_for=_null_for(feature),
        served=_served(feature),
        nearest=_nearest(name),
    )


def _velocities(feature: Feature) -> tuple[Velocity, ...]:
    if isinstance(feature, Velocity):
        return (feature,)
    return feature.velocities if isinstance(feature, Derived) else ()


def _kind(feature: Feature) -> str:
    if isinstance(feature, Velocity):
        return f"velocity, {feature.measure}"
    return f"derived, {feature.kind}" if isinstance(feature, Derived) else "of the order alone"


def _past(velocities: tuple[Velocity, ...]) -> str:
    parts = frozenset[str]().union(*(needs(velocity) for velocity in velocities))
    said = {
        DISTANT: "distant: read off the timelines of the night",
        RECENT: "recent: counted while the request runs",
    }
    return "; ".join(words for part, words in said.items() if part in parts) or "none"


def _windows(velocities: tuple[Velocity, ...], language: str) -> str:
    windows = [window_in_words(velocity, language) for velocity in velocities]
    return "; ".join(dict.fromkeys(filter(None, windows)))


def _null_for(feature: Feature) -> tuple[str, ...]:
    """For which orders it has no value; that is never 0, which says that there was nothing."""
    if isinstance(feature, Velocity):
        return _null_velocity(feature)
    if isinstance(feature, Derived):
        return _null_derived(feature)
    if feature == HISTORY_DAYS:
        return (f"`missing` has {DISTANT} or {distant_of(MERCHANT)}",)
    parts = VALUE_FEATURES[feature].parts if feature in VALUE_FEATURES else ()
    return tuple(
        f"the order has no {part.identifier}" for part in parts if not part.identifier.several
    )


def _null_velocity(velocity: Velocity) -> tuple[str, ...]:
    identifier = velocity.identifier
    reasons = [f"the order has no {identifier}"]
    if velocity.measure.is_age:
        reasons.append(f"there was no such {velocity.event} before")
    if DISTANT in needs(velocity):
        reasons.append(f"`missing` has {DISTANT} or {distant_of(identifier)}")
    if RECENT in needs(velocity):
        reasons.append(f"`missing` has {RECENT}")
    return tuple(reasons)


def _null_derived(derived: Derived) -> tuple[str, ...]:
    reasons = [reason for operand in derived.operands for reason in _null_for(operand)]
    if derived.kind is not DerivedKind.DIFFERENCE:
        divisors = derived.operand_names[1:]  # of an amount to a mean also what the mean is of
        reasons += [f"{name} is 0" for name in reversed(divisors)]
    return tuple(dict.fromkeys(reasons))


def _served(feature: Feature) -> str:
    name = feature_name(feature)
    if name in SHIPPED.names:
        return "yes, it is in the catalogue"
    try:
        timelines = _with(feature).timelines_id
    except DefinitionError as refused:
        return f"no: {refused.reason}"
    load = "no new load" if timelines == SHIPPED.timelines_id else "a new load (`ontem night`)"
    return f"not in the catalogue; with a line of its own there it takes {load} and a training"


def _with(feature: Feature) -> FeatureSet:
    """The shipped features and this one with what it reads. Raises DefinitionError."""
    wanted = served(tuple(velocity.name for velocity in _velocities(feature)))
    velocities = tuple(dict.fromkeys((*CATALOGUE, *wanted)))
    derived = (feature,) if isinstance(feature, Derived) else ()
    return FeatureSet(
        SHIPPED.timezone, SHIPPED.snapshot_lag, velocities, (*DERIVED_CATALOGUE, *derived)
    )


def _nearest(name: str) -> tuple[str, ...]:
    hits = search(name.replace("_", " "), SHIPPED.names, NEAREST + 1)
    return tuple(hit.name for hit in hits if hit.name != name)[:NEAREST]
