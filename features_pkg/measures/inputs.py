"""What the engines hand to a measure: windows over sorted events, and the past of one entity."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from features_pkg.array_types import Ints
from features_pkg.history.recent_events import RecentEvent
from features_pkg.history.sorted_events import SortedEvents
from features_pkg.identifiers import Identifier
from features_pkg.timelines.read import EventTimeline

NEVER: Final = -1
"""Null in arrays of answers: the age of an entity that was never seen. All others are 0 or more."""


class Span(NamedTuple):
    """The questions (an index into the windows) whose windows have the same length; None: ever."""

    length: int | None
    questions: slice | Ints


class LimitedSight(Protocol):
    """What questions could see of windows, where that is less than the windows hold."""

    def hidden_count(self) -> Ints:
        """How many events of each window were hidden."""
        ...

    def hidden_cents(self) -> Ints:
        """The cents of the hidden events."""
        ...

    def hidden_values(self, target: Identifier, spans: Sequence[Span], *, in_days: bool) -> Ints:
        """How many different values of a target came with hidden events alone."""
        ...

    def first_us(self) -> Ints:
        """The first event that was not hidden; `HIGHEST` where there is none."""
        ...

    def last_us(self) -> Ints:
        """The last event that was not hidden; `-HIGHEST` where there is none."""
        ...


@dataclass(frozen=True, slots=True)
class ArrayWindows:
    """The windows of many questions about entities of one identifier, for one velocity.

    Window `i` holds the events at the positions from `before[i]` up to `after[i]`; its question is
    asked at `at_us[i]`. `spans` tells how long the windows are, in civil days or in microseconds:
    where an older snapshot serves, windows of days end earlier and are shorter; of those with a
    delay it says nothing that holds, as no measure with a delay reads it. With a `sight` the
    answers are of what the questions could see.
    """

    events: SortedEvents
    at_us: Ints
    before: Ints
    after: Ints
    spans: tuple[Span, ...]
    in_days: bool
    sight: LimitedSight | None = None


class EntityPast:
    """What one kind of event did for one entity of an order that is being evaluated.

    `timeline` is its distant past, None without one. The recent events are sorted
    by instant; `at_us` and `cents` are their columns.
    """

    __slots__ = ("at_us", "cents", "events", "timeline")

    def __init__(self, events: Sequence[RecentEvent], timeline: EventTimeline | None) -> None:
        self.events = sorted(events, key=lambda event: event.at_us)
        self.at_us = [event.at_us for event in self.events]
        self.cents = [event.amount_cents for event in self.events]
        self.timeline = timeline

    def since(self, start_us: int) -> int:
        """The position of the first recent event at or after an instant."""
        return bisect_left(self.at_us, start_us)


@dataclass(frozen=True, slots=True)
class Instants:
    """The instants of one evaluation.

    It asks at `at_us`. Windows of days begin before `due_day`, the day that the lag rule names; the
    distant past ends at `cutoff_us`, where the snapshot that serves does.
    """

    at_us: int
    due_day: int
    cutoff_us: int


Reader = Callable[[EntityPast, Instants], int | None]
"""Reads one velocity off the past of one entity; None is null."""
