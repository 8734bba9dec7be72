"""What a velocity feature is, and the one name that stands for it everywhere.

What it means is docs/semantics.md section 2, its name section 11.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from features_pkg.definitions.window import LONGEST_DISTANT_DAYS, WINDOW_IN_NAMES, Window
from features_pkg.errors import DefinitionError
from features_pkg.identifiers import Event, Identifier


class Past(StrEnum):
    """Which past: whole civil days before the snapshot's day, or up to the question itself."""

    DISTANT = "distant"
    RECENT = "recent"


class Measure(StrEnum):
    """What is said of the events in the window; the value is its word in feature names.

    What each computes is in `features_pkg/measures`.
    """

    COUNT = "count"
    DISTINCT = "distinct"
    AMOUNT = "amount_cents"
    FIRST_AGE = "first"
    LAST_AGE = "last"

    @property
    def is_age(self) -> bool:
        """Ages look at all the past before the question and have no window."""
        return self in (Measure.FIRST_AGE, Measure.LAST_AGE)

    @property
    def adds_up(self) -> bool:
        """Whether a window has the sum of its parts, so that a part can be taken off."""
        return self in (Measure.COUNT, Measure.AMOUNT)


@dataclass(frozen=True, slots=True)
class Velocity:
    """How often, how varied, how much or since when `event` named one entity of `identifier`.

    `past` and `window` say over which time (an age has neither), `target` what is counted apart
    (only `Measure.DISTINCT` has one). Values are whole numbers; never seen is 0, or null for an
    age; an order without the identifier is null. Plain strings are taken for every field.

    Raises:
        DefinitionError: for a combination that can't mean anything.
    """

    identifier: Identifier
    event: Event
    window: Window | None = None
    past: Past | None = None
    measure: Measure = Measure.COUNT
    target: Identifier | None = None

    def __post_init__(self) -> None:
        for field, kind in (
            ("identifier", Identifier),
            ("event", Event),
            ("window", Window),
            ("past", Past),
            ("measure", Measure),
            ("target", Identifier),
        ):
            value = getattr(self, field)
            if value is None or isinstance(value, kind):
                continue
            object.__setattr__(self, field, _read(field, kind, value))
        _check(self)

    @property
    def name(self) -> str:
        """Parquet column, model input and API word, e.g. `card_orders_7d_distant`."""
        if self.measure.is_age:
            return f"{self.identifier}_{self.measure}_{self.event}_age_seconds"
        what = "" if self.measure is Measure.COUNT else f"{self.measure}_"
        what += f"{self.target}_" if self.target else ""
        window = self.window.text if self.window else ""
        return f"{self.identifier}_{what}{self.event.plural}_{window}_{self.past}"


def _read(field: str, kind: type, value: object) -> object:
    try:
        return kind(value)
    except (ValueError, TypeError) as cause:
        if isinstance(cause, DefinitionError):
            raise
        words = ", ".join(str(member) for member in kind)  # type: ignore[attr-defined]
        raise DefinitionError(f"{field} {value!r}", f"is not one of {words}") from None


def _check(velocity: Velocity) -> None:
    reason = _age_reason(velocity) if velocity.measure.is_age else _window_reason(velocity)
    reason = reason or _target_reason(velocity)
    if reason:
        raise DefinitionError(_describe(velocity), reason)


def _describe(velocity: Velocity) -> str:
    if not velocity.measure.is_age and (velocity.window is None or velocity.past is None):
        return f"{velocity.measure} of {velocity.identifier} in {velocity.event.plural}"
    return velocity.name


def _age_reason(velocity: Velocity) -> str | None:
    if velocity.window is not None or velocity.past is not None:
        return "an age looks at all the past, so it takes neither window nor past"
    return None


def _window_reason(velocity: Velocity) -> str | None:
    window, past = velocity.window, velocity.past
    if window is None or past is None:
        return "needs a window and a past"
    if window.is_since_cutoff:
        if past is Past.DISTANT:
            return "'since_cutoff' begins where the distant past ends: it is 'recent'"
        if velocity.measure is Measure.DISTINCT:
            return "'since_cutoff' varies in length, so it takes counts and amounts only"
        return None
    return _recent_reason(window) if past is Past.RECENT else _distant_reason(velocity, window)


def _recent_reason(window: Window) -> str | None:
    if window.delay_days:
        return "'recent' looks up to the question itself, so it takes no delay: take 'distant'"
    return None


def _distant_reason(velocity: Velocity, window: Window) -> str | None:
    days, delay = window.days or 0, window.delay_days
    if not window.is_ever and not 0 < days <= LONGEST_DISTANT_DAYS:
        return f"'distant' takes whole days from 1d to {LONGEST_DISTANT_DAYS}d, or 'ever'"
    if days + delay > LONGEST_DISTANT_DAYS:
        return (
            f"it reaches back {days + delay} days, delay included, and timelines list "
            f"{LONGEST_DISTANT_DAYS}: take a shorter window or delay"
        )
    if delay and not velocity.measure.adds_up:
        return (
            "timelines keep the day on which each value was last seen, so how many different ones "
            "came before a delay can't be read off them: take a count or an amount, or no delay"
        )
    return None


def _target_reason(velocity: Velocity) -> str | None:
    if velocity.measure is Measure.DISTINCT:
        if velocity.target is None:
            return "counts different values, so it needs a target"
        if velocity.target is velocity.identifier:
            return f"{velocity.identifier} can't be counted apart from itself: take another target"
    elif velocity.target is not None:
        return "only 'distinct' takes a target"
    return None


_IDENTIFIERS = "|".join(Identifier)
_EVENTS = "|".join(Event)
_AGES = "|".join(measure for measure in Measure if measure.is_age)
_WITHOUT_TARGET = "|".join(
    measure
    for measure in Measure
    if not measure.is_age and measure not in (Measure.COUNT, Measure.DISTINCT)
)
_WINDOWED = re.compile(
    rf"(?P<identifier>{_IDENTIFIERS})_"
    rf"(?:{Measure.DISTINCT}_(?P<target>{_IDENTIFIERS})_|(?P<measure>{_WITHOUT_TARGET})_)?"
    rf"(?P<event>{_EVENTS})s_(?P<window>{WINDOW_IN_NAMES})_(?P<past>{'|'.join(Past)})"
)
_AGE = re.compile(
    rf"(?P<identifier>{_IDENTIFIERS})_(?P<measure>{_AGES})_(?P<event>{_EVENTS})_age_seconds"
)


def parse_name(name: str) -> Velocity:
    """The definition that a derived name stands for; `parse_name(v.name) == v`.

    >>> parse_name("document_distinct_zip_code_orders_7d_distant").target
    <Identifier.ZIP_CODE: 'zip_code'>
    >>> parse_name("card_first_order_age_seconds").measure
    <Measure.FIRST_AGE: 'first'>

    Raises:
        DefinitionError: when no definition has this name.
    """
    if not isinstance(name, str):
        raise DefinitionError(f"feature {name!r}", "is not a name: write it as text")
    if age := _AGE.fullmatch(name):
        return Velocity(
            Identifier(age["identifier"]), Event(age["event"]), measure=Measure(age["measure"])
        )
    parts = _WINDOWED.fullmatch(name)
    if parts is None:
        raise DefinitionError(
            f"feature {name!r}",
            "no definition has this name; names read like 'document_orders_7d_distant', "
            "'zip_code_distinct_phone_chargebacks_6h_recent', "
            "'card_amount_cents_orders_24h_recent' or 'document_first_order_age_seconds'",
        )
    counted = Measure.DISTINCT if parts["target"] else Measure.COUNT
    return Velocity(
        Identifier(parts["identifier"]),
        Event(parts["event"]),
        Window(parts["window"]),
        Past(parts["past"]),
        Measure(parts["measure"]) if parts["measure"] else counted,
        Identifier(parts["target"]) if parts["target"] else None,
    )
