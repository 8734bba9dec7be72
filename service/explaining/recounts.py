"""Each velocity counted again from the events behind it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from features_pkg.calendar import Calendar
from features_pkg.definitions.velocity import Measure, Velocity
from features_pkg.engines.window_events import EntityEvents, events_in_window
from features_pkg.history.past_orders import PastEvent
from features_pkg.measures import MEASURES
from features_pkg.measures.inputs import Instants
from service.explaining.explanation import MOST_ORDER_IDS, EventsBehind, Recount

NOT_READ = EventsBehind(recount="not_read", recounted=None, order_ids=None, more=False)


@dataclass(frozen=True, slots=True)
class _Recounted:
    """What the events of one value give, and the newest of them that were read, newest first."""

    value: int | None
    events: Sequence[PastEvent] = ()
    is_whole: bool = True
    """Whether everything was read that `value` depends on."""


def recount(
    velocity: Velocity,
    entities: Sequence[EntityEvents],
    at: Instants,
    calendar: Calendar,
    stored: float,
) -> EventsBehind:
    """The orders behind a velocity whose stored value is `stored`, counted again."""
    counted = [_recounted(velocity, entity, at, calendar) for entity in entities]
    best = _best(velocity, counted)
    is_whole = all(each.is_whole for each in counted)
    recounted = best.value if is_whole else None
    order_ids = [str(event.order.order_id) for event in best.events]
    return EventsBehind(
        recount=_state(is_whole=is_whole, recounted=recounted, stored=stored),
        recounted=recounted,
        order_ids=order_ids[:MOST_ORDER_IDS],
        more=len(order_ids) > MOST_ORDER_IDS or not best.is_whole,
    )


def _state(*, is_whole: bool, recounted: int | None, stored: float) -> Recount:
    if not is_whole:
        return "too_many"
    is_same = math.isnan(stored) if recounted is None else recounted == stored
    return "same" if is_same else "different"


def _best(velocity: Velocity, counted: Sequence[_Recounted]) -> _Recounted:
    """The one that the feature is: the greatest, of ages the least (docs/semantics.md 2.4.3)."""
    known = [each for each in counted if each.value is not None]
    if velocity.measure.is_age:
        return min(known, key=lambda each: each.value or 0, default=_Recounted(None))
    return max(known, key=lambda each: each.value or 0, default=_Recounted(0))


def _recounted(
    velocity: Velocity, entity: EntityEvents, at: Instants, calendar: Calendar
) -> _Recounted:
    events, is_whole = events_in_window(velocity, entity, at, calendar)
    value = MEASURES[velocity.measure].reference(velocity, events, at.at_us)
    match velocity.measure:
        case Measure.LAST_AGE:
            return _Recounted(value, events[:1], is_whole or bool(events))
        case Measure.FIRST_AGE:
            return _Recounted(value, events[-1:] if is_whole else (), is_whole)
    target = velocity.target
    if target is not None:
        events = [event for event in events if event.order.values(target)]
    return _Recounted(value, events, is_whole)
