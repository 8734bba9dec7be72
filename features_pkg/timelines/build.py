"""Timelines of all entities at once, from sorted events; the layout is in `timelines/read.py`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec
import numpy as np

from features_pkg.array_types import Ints
from features_pkg.history.sorted_events import SortedEvents
from features_pkg.identifiers import Event, Identifier
from features_pkg.timelines.read import DAY_ZERO, LISTED_DAYS


def encode_all(
    history: Mapping[Event, SortedEvents],
    targets: Mapping[Event, tuple[Identifier, ...]],
    entities: int,
) -> Iterator[tuple[int, bytes]]:
    """The timeline of every entity that has one, as (dense code, bytes).

    `history` holds only what lies before the snapshot's cutoff. A kind of event that no feature
    looks at may be left out.
    """
    base = np.zeros(entities, dtype=np.int64)
    for events in history.values():
        np.maximum.at(base, events.entity, events.days + 1)
    tables = [
        _EventTable(history[event], targets[event], base) if event in history else None
        for event in Event
    ]
    encoder = msgspec.msgpack.Encoder()
    for entity, day in enumerate(base.tolist()):
        if day:
            columns = [None if table is None else table.columns_of(entity) for table in tables]
            yield entity, encoder.encode([day - DAY_ZERO, *columns])


class _EventTable:
    """The columns of one kind of event, of all entities: grouped once, then cut per entity."""

    def __init__(self, events: SortedEvents, targets: tuple[Identifier, ...], base: Ints) -> None:
        self._starts = events.starts.tolist()
        self._at_us = events.at_us.tolist()
        day_starts, self._events = _by_day(events.entity, events.days, base)
        bounds = np.append(day_starts, len(events.entity))
        cents_before = events.cents_before
        self._cents_before = cents_before[events.starts].tolist()
        cents = cents_before[bounds[1:]] - cents_before[bounds[:-1]]
        self._listed_cents = cents[self._events.listed].tolist()
        self._targets = [_last_sightings(events, target, base) for target in targets]

    def columns_of(self, entity: int) -> list[object] | None:
        """What an `EventTimeline` is read from; None when the entity has no such event."""
        start, end = self._starts[entity], self._starts[entity + 1]
        if start == end:
            return None
        older, days, counts = self._events.of(entity)
        low, high = self._events.range(entity)
        cents = self._listed_cents[low:high]
        older_cents = self._cents_before[entity + 1] - self._cents_before[entity] - sum(cents)
        first_us, last_us = self._at_us[start], self._at_us[end - 1]
        length_us = last_us - first_us
        targets = [target.of(entity) for target in self._targets]
        return [older, older_cents, first_us, length_us, days, counts, cents, *targets]


class _DayCounts:
    """Per entity the listed days and how many rows fell on each; the rest is older."""

    def __init__(self, entity: Ints, day: Ints, count: Ints, base: Ints) -> None:
        offset = day - (base[entity] - LISTED_DAYS)
        self.listed = offset >= 0
        total = np.bincount(entity, weights=count, minlength=len(base)).astype(np.int64)
        self._bounds = np.searchsorted(entity[self.listed], np.arange(len(base) + 1)).tolist()
        self._days = offset[self.listed].tolist()
        self._counts = count[self.listed].tolist()
        self._total = total.tolist()

    def range(self, entity: int) -> tuple[int, int]:
        """Where the entity's listed days are."""
        return self._bounds[entity], self._bounds[entity + 1]

    def of(self, entity: int) -> tuple[int, list[int], list[int]]:
        """How many are older, the listed days, and how many fell on each."""
        low, high = self.range(entity)
        counts = self._counts[low:high]
        return self._total[entity] - sum(counts), self._days[low:high], counts


def _by_day(entity: Ints, day: Ints, base: Ints) -> tuple[Ints, _DayCounts]:
    """Where each (entity, day) starts in rows sorted by both, and how many rows each has."""
    new = np.concatenate(([True], (entity[1:] != entity[:-1]) | (day[1:] != day[:-1])))
    starts = np.flatnonzero(new[: len(entity)])
    count = np.diff(np.append(starts, len(entity)))
    return starts, _DayCounts(entity[starts], day[starts], count, base)


def _last_sightings(events: SortedEvents, target: Identifier, base: Ints) -> _DayCounts:
    """On which days the different values of `target` were last seen."""
    position = np.sort(events.value_runs(target).last_positions())
    _, days = _by_day(events.entity[position], events.days[position], base)
    return days
