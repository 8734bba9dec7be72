"""Which events lie in the window of a velocity, for people who look into one order.

The windows are those of `features_pkg/engines/reference`, and a test holds the two together. Here
the events of an entity are sorted, and may be the newest of many only.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from features_pkg.calendar import Calendar
from features_pkg.definitions.velocity import Past, Velocity
from features_pkg.history.past_orders import PastEvent
from features_pkg.identifiers import Event
from features_pkg.measures.inputs import Instants


class NewestEvents(NamedTuple):
    """Events of one entity, kind and past, newest first; `is_whole` if there are no others."""

    events: Sequence[PastEvent] = ()
    is_whole: bool = True


@dataclass(frozen=True, slots=True)
class EntityEvents:
    """What happened to one value of an identifier: before the cutoff, and in the recent past.

    `delayed` has what came before a delay of so many days, where the newest do not reach so far.
    """

    newest: Mapping[tuple[Event, Past], NewestEvents] = field(default_factory=dict)
    delayed: Mapping[tuple[Event, int], NewestEvents] = field(default_factory=dict)

    def of(self, event: Event, past: Past) -> NewestEvents:
        """The events of one kind in one past."""
        return self.newest.get((event, past), NewestEvents())


def events_in_window(
    velocity: Velocity, entity: EntityEvents, at: Instants, calendar: Calendar
) -> NewestEvents:
    """The events that `velocity` looks at; an age looks at all of both pasts."""
    distant = entity.of(velocity.event, Past.DISTANT)
    recent = entity.of(velocity.event, Past.RECENT)
    window = velocity.window
    if window is None:
        since_cutoff = _since(recent, at.cutoff_us)  # what is before is in the distant past
        events = [*since_cutoff.events, *distant.events]
        return NewestEvents(events, since_cutoff.is_whole and distant.is_whole)
    if velocity.past is Past.DISTANT:
        delay, days = window.delay_days, window.days
        end_day = at.due_day - delay
        distant = entity.delayed.get((velocity.event, delay), distant)
        start_us = -math.inf if days is None else calendar.cutoff_us(end_day - days)
        return _before(_since(distant, start_us), calendar.cutoff_us(end_day))
    span_us = window.span_us
    return _since(recent, at.cutoff_us if span_us is None else at.at_us - span_us)


def _since(newest: NewestEvents, start_us: float) -> NewestEvents:
    """The events from an instant on."""
    events = newest.events
    end = bisect_right(events, -start_us, key=lambda event: -event.at_us)
    return NewestEvents(events[:end], newest.is_whole or end < len(events))


def _before(newest: NewestEvents, end_us: int) -> NewestEvents:
    """The events before an instant."""
    events = newest.events
    start = bisect_right(events, -end_us, key=lambda event: -event.at_us)
    return NewestEvents(events[start:], newest.is_whole)
