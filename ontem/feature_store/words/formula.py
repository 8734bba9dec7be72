"""A feature as a formula: what is counted of which events, and over which time."""

from __future__ import annotations

from typing import Final

from features_pkg.definitions.derived import Derived, Feature
from features_pkg.definitions.velocity import Measure, Past, Velocity
from features_pkg.definitions.window import Window

_MEASURES: Final = {
    Measure.COUNT: "count({events})",
    Measure.DISTINCT: "count(distinct {target} of {events})",
    Measure.AMOUNT: "sum(amount_cents of {events})",
    Measure.FIRST_AGE: "whole seconds of asked_at - min(event_at of {events})",
    Measure.LAST_AGE: "whole seconds of asked_at - max(event_at of {events})",
}


def formula_of(feature: Feature) -> str:
    """The formula; `asked_at` is the order's own instant, `cutoff` the first one of its due day."""
    if isinstance(feature, Derived):
        return feature.formula
    if isinstance(feature, str):
        return f"{feature}(order)"
    events = f"{feature.event.plural} with the same {feature.identifier}"
    value = _MEASURES[feature.measure].format(events=events, target=feature.target)
    return f"{value} where {_time(feature)}{_of_several(feature)}"


def _of_several(velocity: Velocity) -> str:
    """Which of an order's several values is taken."""
    if not velocity.identifier.several:
        return ""
    taken = "least" if velocity.measure.is_age else "greatest"
    return f", the {taken} of the order's {velocity.identifier}s"


def _time(velocity: Velocity) -> str:
    window, end = velocity.window, "asked_at"
    if window is None:
        return f"event_at < {end}"
    if velocity.past is Past.DISTANT:
        end = f"cutoff - {window.delay_days} days" if window.delay_days else "cutoff"
    if window.is_ever:
        return f"event_at < {end}"
    return f"{_start(window, velocity.past)} <= event_at < {end}"


def _start(window: Window, past: Past | None) -> str:
    if window.is_since_cutoff:
        return "cutoff"
    if past is Past.DISTANT:
        return f"cutoff - {(window.days or 0) + window.delay_days} days"
    return f"asked_at - {window.text}"
