"""What timelines hold, as arrays over all entities: days and what fell on them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from features_pkg.array_types import Ints, Mask
from features_pkg.history.sorted_events import SortedEvents
from features_pkg.identifiers import Event, Identifier
from features_pkg.timelines.read import LISTED_DAYS


@dataclass(frozen=True, slots=True)
class DayCounts:
    """Per entity the listed days and how many fell on each; `older` has the number of the rest.

    The listed days of entity `e`, ascending, are the slice from `bounds[e]` to `bounds[e + 1]` of
    `day` (ordinals) and `count`. An entity without a row has none, and 0 that are older.
    """

    bounds: Ints
    day: Ints
    count: Ints
    older: Ints

    @property
    def lengths(self) -> Ints:
        """How many days each entity has listed."""
        return np.diff(self.bounds)


@dataclass(frozen=True, slots=True)
class EventCounts:
    """What one kind of event did, by entity.

    `cents` has the amounts of each listed day of `days`, `older_cents` those of all older ones.
    `first_us` and `last_us` mean nothing where it never `happened`. `targets` says on which days
    the different values of each were *last* seen.
    """

    happened: Mask
    first_us: Ints
    last_us: Ints
    days: DayCounts
    cents: Ints
    older_cents: Ints
    targets: Mapping[Identifier, DayCounts]


@dataclass(frozen=True, slots=True)
class Counts:
    """All timelines of one identifier.

    `base` is the day after each entity's last event, 0 where it has none. `events` has the kinds of
    event that the timelines keep.
    """

    base: Ints
    events: Mapping[Event, EventCounts]


def count_all(
    history: Mapping[Event, SortedEvents],
    targets: Mapping[Event, tuple[Identifier, ...]],
    entities: int,
) -> Counts:
    """The counts of all dense codes below `entities`.

    `history` holds only what lies before the snapshot's cutoff. A kind of event that no feature
    looks at may be left out.
    """
    base = np.zeros(entities, dtype=np.int64)
    for events in history.values():
        np.maximum.at(base, events.entity, events.days + 1)
    counted = {
        event: _count_event(history[event], targets[event], base)
        for event in Event
        if event in history
    }
    return Counts(base, counted)


def _count_event(events: SortedEvents, targets: Iterable[Identifier], base: Ints) -> EventCounts:
    # Sorted events of a day are neighbours: those of day i are from bounds[i] to bounds[i + 1],
    # and a running sum at both bounds gives the cents between them.
    day_starts, days, is_listed = _by_day(events.entity, events.days, base)
    bounds = np.append(day_starts, len(events.entity))
    before = events.cents_before
    cents = (before[bounds[1:]] - before[bounds[:-1]])[is_listed]
    starts, ends = events.starts[:-1], events.starts[1:]
    happened = ends > starts
    first_us, last_us = np.zeros_like(base), np.zeros_like(base)
    first_us[happened] = events.at_us[starts[happened]]
    last_us[happened] = events.at_us[ends[happened] - 1]
    return EventCounts(
        happened=happened,
        first_us=first_us,
        last_us=last_us,
        days=days,
        cents=cents,
        older_cents=before[ends] - before[starts] - _sums(cents, days.bounds),
        targets={target: _last_sightings(events, target, base) for target in targets},
    )


def _last_sightings(events: SortedEvents, target: Identifier, base: Ints) -> DayCounts:
    """On which days the different values of `target` were last seen."""
    position = np.sort(events.value_runs(target).last_positions())
    _, days, _ = _by_day(events.entity[position], events.days[position], base)
    return days


def _by_day(entity: Ints, day: Ints, base: Ints) -> tuple[Ints, DayCounts, Mask]:
    """Where each (entity, day) starts in rows sorted by both, their counts, and which are listed.

    With 90 listed days and `base` 1000, the days 910 to 999 are listed, and the day 909 is older.
    """
    new = np.concatenate(([True], (entity[1:] != entity[:-1]) | (day[1:] != day[:-1])))
    starts = np.flatnonzero(new[: len(entity)])
    count = np.diff(np.append(starts, len(entity)))
    entity, day = entity[starts], day[starts]
    is_listed = day >= base[entity] - LISTED_DAYS
    codes = np.arange(len(base) + 1)
    bounds = np.searchsorted(entity[is_listed], codes)
    all_rows = _sums(count, np.searchsorted(entity, codes))
    count = count[is_listed]
    older = all_rows - _sums(count, bounds)
    return starts, DayCounts(bounds, day[is_listed], count, older), is_listed


def _sums(numbers: Ints, bounds: Ints) -> Ints:
    """The sum of each slice of `numbers`."""
    before = np.concatenate(([0], np.cumsum(numbers)))
    return before[bounds[1:]] - before[bounds[:-1]]
