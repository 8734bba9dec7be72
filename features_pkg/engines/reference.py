"""The meaning of every velocity feature, slow and obvious. The tests hold the fast paths to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from features_pkg.calendar import Calendar
from features_pkg.definitions.velocity import Measure, Past, Velocity
from features_pkg.history.past_orders import PastEvent, PastOrder, events_of


@dataclass(frozen=True, slots=True)
class Question:
    """When a question is asked, and the day `as_of` before which its distant past lies.

    `due_day` is the day that the lag rule names, where the snapshot that served is older: distant
    windows begin before that one, and `since_cutoff` begins where the snapshot ends.
    """

    at_us: int
    as_of: int
    due_day: int | None = None


def value(
    velocity: Velocity,
    asking: PastOrder,
    moment: Question,
    orders: Sequence[PastOrder],
    calendar: Calendar,
) -> int | None:
    """What `velocity` is for `asking` at `moment`, given all `orders`; None is null."""
    answers = [
        _of_entity(velocity, moment, list(_past_of(velocity, entity, asking, orders)), calendar)
        for entity in asking.values(velocity.identifier)
    ]
    known = [answer for answer in answers if answer is not None]
    if not known:
        return None
    return min(known) if velocity.measure.is_age else max(known)


def _past_of(
    velocity: Velocity, entity: object, asking: PastOrder, orders: Sequence[PastOrder]
) -> Iterator[PastEvent]:
    for happened in events_of(velocity.event, orders):
        same_merchant = happened.order.merchant == asking.merchant
        own = same_merchant and happened.order.order_id == asking.order_id
        if same_merchant and not own and entity in happened.order.values(velocity.identifier):
            yield happened


def _of_entity(
    velocity: Velocity, moment: Question, past: Sequence[PastEvent], calendar: Calendar
) -> int | None:
    seen = [h for h in past if _in_window(velocity, h.at_us, moment, calendar)]
    match velocity.measure:
        case Measure.COUNT:
            return len(seen)
        case Measure.AMOUNT:
            return sum(happened.order.amount_cents for happened in seen)
        case Measure.DISTINCT:
            assert velocity.target is not None
            return len({v for happened in seen for v in happened.order.values(velocity.target)})
        case Measure.FIRST_AGE | Measure.LAST_AGE:
            instants = [happened.at_us for happened in seen]
            if not instants:
                return None
            first = velocity.measure is Measure.FIRST_AGE
            return (moment.at_us - (min(instants) if first else max(instants))) // 1_000_000


def _in_window(velocity: Velocity, at_us: int, moment: Question, calendar: Calendar) -> bool:
    if velocity.measure.is_age:
        return at_us < moment.at_us
    window = velocity.window
    assert window is not None
    if velocity.past is Past.DISTANT:
        day = calendar.day_of(at_us)
        due_day = moment.as_of if moment.due_day is None else moment.due_day
        first = due_day - window.days if window.days is not None else None
        return day < moment.as_of and (first is None or first <= day)
    if at_us >= moment.at_us:
        return False
    if window.text == "since_cutoff":
        return at_us >= calendar.cutoff_us(moment.as_of)
    return window.span_us is None or at_us >= moment.at_us - window.span_us
