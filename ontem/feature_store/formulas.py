"""The formula of a feature: what is counted, and in which window."""

from typing import Final

from features_pkg.definitions.derived import Derived, Feature
from features_pkg.definitions.velocity import Measure, Past, Velocity
from features_pkg.definitions.window import Window

COMPUTED: Final = {
    Measure.COUNT: "count(*)",
    Measure.AMOUNT: "sum(amount_cents)",
    Measure.FIRST_AGE: "floor(asked_at - min(at), seconds)",
    Measure.LAST_AGE: "floor(asked_at - max(at), seconds)",
}
"""What each measure makes of the events; that of the different values names them."""
ALL_BEFORE: Final = "at < asked_at"


def formula_of(feature: Feature) -> str:
    """The formula of a feature, over the events `at` which something happened.

    `asked_at` is the question's instant, `due_day` the civil day whose snapshot it reads. A derived
    feature's has the names of those that it reads.
    """
    if isinstance(feature, str):
        return f"{feature} of the order"
    if isinstance(feature, Derived):
        return feature.formula
    value = COMPUTED.get(feature.measure) or f"count(distinct {feature.target})"
    same = f"{feature.identifier} = the order's {feature.identifier}"
    if feature.identifier.several:
        same = f"{feature.identifier} = each of the order's {feature.identifier}s, the greatest"
    return f"{value} over {feature.event.plural} where {same} and {_inequality(feature)}"


def window_text(feature: Feature) -> str | None:
    """The window as a name has it; None for what has none, or reads several."""
    if isinstance(feature, str):
        return None
    velocities = feature.velocities if isinstance(feature, Derived) else (feature,)
    texts = {None if each.window is None else each.window.text for each in velocities}
    return texts.pop() if len(texts) == 1 else None


def _inequality(velocity: Velocity) -> str:
    window = velocity.window
    if window is None:
        return ALL_BEFORE
    if velocity.past is Past.DISTANT:
        return _of_days(window)
    if window.is_since_cutoff:
        return f"first instant of due_day <= {ALL_BEFORE}"
    return ALL_BEFORE if window.is_ever else f"asked_at - {window.text} <= {ALL_BEFORE}"


def _of_days(window: Window) -> str:
    delay = window.delay_days
    end = f"day(at) < due_day - {delay} days" if delay else "day(at) < due_day"
    return end if window.days is None else f"due_day - {window.days + delay} days <= {end}"
