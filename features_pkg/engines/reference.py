"""The meaning of every velocity and derived feature, slow and obvious.

The tests hold the fast engines to it. The rules are those of docs/semantics.md section 2, the stale
snapshot's of section 9.
What a measure says of the events in a window stands in its own file in `features_pkg/measures`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from features_pkg.calendar import Calendar
from features_pkg.definitions.derived import Derived, DerivedKind
from features_pkg.definitions.velocity import Past, Velocity
from features_pkg.history.past_orders import PastEvent, PastOrder, events_of
from features_pkg.measures import MEASURES


@dataclass(frozen=True, slots=True)
class Question:
    """When a question is asked, and the day `as_of` before which its distant past lies.

    `due_day` is the day that the lag rule names, where the snapshot that served is older: windows
    of days begin before that one, and `since_cutoff` begins where the snapshot ends.
    """

    at_us: int
    as_of: int
    due_day: int | None = None


def value(
    velocity: Velocity,
    order: PastOrder,
    question: Question,
    history: Sequence[PastOrder],
    calendar: Calendar,
) -> int | None:
    """What `velocity` is for `order` when it asks `question`, given all of `history`.

    Of an order's several products the greatest counts, of ages the least. None is null.
    """
    measure = MEASURES[velocity.measure]
    answers = [
        measure.reference(
            velocity,
            [
                event
                for event in _events_naming(entity, velocity, order, history)
                if _in_window(velocity, event.at_us, question, calendar)
            ],
            question.at_us,
        )
        for entity in order.values(velocity.identifier)
    ]
    known = [answer for answer in answers if answer is not None]
    if not known:
        return None
    return min(known) if velocity.measure.is_age else max(known)


def derived_value(derived: Derived, operands: Mapping[str, float | None]) -> float | None:
    """What `derived` is for an order, given what it reads, by name. None is null."""
    values = [operands[name] for name in derived.operand_names]
    known = [float(value) for value in values if value is not None]
    if len(known) < len(values):
        return None
    if derived.kind is DerivedKind.DIFFERENCE:
        return known[0] - known[1]
    dividend, *divisors = known
    if 0 in divisors:
        return None
    if derived.kind is DerivedKind.AMOUNT_TO_MEAN:
        total, count = divisors
        return dividend / (total / count)
    return dividend / divisors[0]


def _events_naming(
    entity: object, velocity: Velocity, order: PastOrder, history: Sequence[PastOrder]
) -> Iterator[PastEvent]:
    """Every event that named `entity` at the order's merchant; never the order's own."""
    for event in events_of(velocity.event, history):
        same_merchant = event.order.merchant == order.merchant
        own = same_merchant and event.order.order_id == order.order_id
        if same_merchant and not own and entity in event.order.values(velocity.identifier):
            yield event


def _in_window(velocity: Velocity, at_us: int, question: Question, calendar: Calendar) -> bool:
    if velocity.measure.is_age:
        return at_us < question.at_us
    window = velocity.window
    assert window is not None
    if velocity.past is Past.DISTANT:
        day = calendar.day_of(at_us)
        due_day = question.as_of if question.due_day is None else question.due_day
        end_day = due_day - window.delay_days
        first_day = None if window.days is None else end_day - window.days
        return day < min(end_day, question.as_of) and (first_day is None or first_day <= day)
    if at_us >= question.at_us:
        return False
    if window.is_since_cutoff:
        return at_us >= calendar.cutoff_us(question.as_of)
    return window.span_us is None or at_us >= question.at_us - window.span_us
