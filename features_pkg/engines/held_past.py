"""The recent past of one entity of which most is held in arrays, and the rest came with a request.

An event is in one of the two parts. What they say together is what a request would find that reads
all of it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from features_pkg.history.held_events import NO_VALUES, HeldEvents
from features_pkg.history.recent_events import RecentEvent
from features_pkg.identifiers import Identifier
from features_pkg.timelines.read import EventTimeline

_Sighting = tuple[int, int | None]
"""When a value was last seen in the events that came, and in those that are held."""


class HeldPast:
    """What one kind of event did for one entity, up to a question that is later than all of it."""

    __slots__ = ("_cents", "_events", "_held", "_sightings", "_us", "timeline")

    def __init__(
        self, held: HeldEvents, events: Sequence[RecentEvent], timeline: EventTimeline | None
    ) -> None:
        self._held, self.timeline = held, timeline
        self._events = sorted(events, key=lambda event: event.at_us)
        self._us = [event.at_us for event in self._events]
        self._cents = [event.amount_cents for event in self._events]
        self._sightings: dict[Identifier, list[_Sighting]] = {}

    def count(self, start_us: int) -> int:
        """How many events happened at or after an instant."""
        held, came = self._held.since(start_us), bisect_left(self._us, start_us)
        return len(self._held) - held + len(self._us) - came

    def amount_cents(self, start_us: int) -> int:
        """The sum of their amounts."""
        sums = self._held.cents_before
        held = int(sums[-1]) - int(sums[self._held.since(start_us)])
        return held + sum(self._cents[bisect_left(self._us, start_us) :])

    def distinct(self, target: Identifier, start_us: int) -> int:
        """How many different values of a target they had: those that were last seen since then."""
        held = self._held.last_seen.get(target, NO_VALUES)
        came = sum(
            1
            for came_us, held_us in self._last_sightings(target)
            if came_us >= start_us and (held_us is None or held_us < start_us)
        )
        return held.since(start_us) + came

    def first_us(self, start_us: int) -> int | None:
        """When the first of them happened."""
        held, came = self._held.since(start_us), bisect_left(self._us, start_us)
        found = [int(us) for us in self._held.at_us[held : held + 1]] + self._us[came : came + 1]
        return min(found, default=None)

    def last_us(self, start_us: int) -> int | None:
        """When the last of them happened."""
        found = [int(us) for us in self._held.at_us[-1:]] + self._us[-1:]
        return max((us for us in found if us >= start_us), default=None)

    def _last_sightings(self, target: Identifier) -> list[_Sighting]:
        """For each value of the target in the events that came."""
        if target not in self._sightings:
            last: dict[str, int] = {}
            for event in self._events:
                value = getattr(event, target)
                for each in (value or ()) if target.several else (value,):
                    if each is not None:
                        last[each] = event.at_us
            held = self._held.last_seen.get(target, NO_VALUES).of_values(list(last))
            self._sightings[target] = list(zip(last.values(), held, strict=True))
        return self._sightings[target]
