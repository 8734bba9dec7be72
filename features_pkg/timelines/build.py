"""Timelines of all entities at once, from sorted events; the layout is in `timelines/read.py`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec
import numpy as np

from features_pkg.array_types import Ints
from features_pkg.history.sorted_events import SortedEvents
from features_pkg.identifiers import Event, Identifier
from features_pkg.timelines.read import (
    COUNTS_WRITTEN,
    HEAD_BYTES,
    INSTANT_BYTES,
    LISTED_DAYS,
    OLDER_WRITTEN,
)


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
    encode = msgspec.msgpack.Encoder().encode
    for entity, day in enumerate(base.tolist()):
        if day:
            shape, instants, numbers = 0, b"", []
            for position, table in enumerate(tables):
                if table is not None and table.happened(entity):
                    shape |= (table.targets + 1) << 4 * position
                    instants += table.first_instant(entity)
                    numbers += table.numbers_of(entity)
            head = (day << 8 | shape).to_bytes(HEAD_BYTES, "little")
            yield entity, head + instants + encode(numbers)


class _EventTable:
    """The columns of one kind of event, of all entities: grouped once, then cut per entity."""

    def __init__(self, events: SortedEvents, targets: tuple[Identifier, ...], base: Ints) -> None:
        self._starts: list[int] = events.starts.tolist()
        self._at_us: list[int] = events.at_us.tolist()
        # Sorted events of a day are neighbours: those of day i are from bounds[i] to bounds[i + 1],
        # and a running sum at both bounds gives the cents between them.
        day_starts, self._events = _by_day(events.entity, events.days, base)
        bounds = np.append(day_starts, len(events.entity))
        cents_before = events.cents_before
        self._cents_before = cents_before[events.starts].tolist()
        cents = cents_before[bounds[1:]] - cents_before[bounds[:-1]]
        self._listed_cents = cents[self._events.listed].tolist()
        self._targets = [_last_sightings(events, target, base) for target in targets]

    @property
    def targets(self) -> int:
        """How many targets its timelines have."""
        return len(self._targets)

    def happened(self, entity: int) -> bool:
        """Whether the entity has such an event."""
        return self._starts[entity] < self._starts[entity + 1]

    def first_instant(self, entity: int) -> bytes:
        """The bytes of the instant of the entity's first event."""
        first_us = self._at_us[self._starts[entity]]
        return first_us.to_bytes(INSTANT_BYTES, "little", signed=True)

    def numbers_of(self, entity: int) -> list[int]:
        """What an `EventTimeline` is read from, besides the first instant."""
        start, end = self._starts[entity], self._starts[entity + 1]
        low, high = self._events.range(entity)
        cents = self._listed_cents[low:high]
        older_cents = self._cents_before[entity + 1] - self._cents_before[entity] - sum(cents)
        older = [older_cents] if self._events.older(entity) else []
        targets = [number for target in self._targets for number in target.numbers_of(entity)]
        length_us = self._at_us[end - 1] - self._at_us[start]
        return [length_us, *self._events.numbers_of(entity), *targets, *cents, *older]


class _DayCounts:
    """Per entity the listed days and how many rows fell on each; the rest is older.

    Its arrays have a row for each (entity, day), sorted. With 90 listed days and `base` 1000, the
    day 999 has the offset 89, the day 910 has 0, and the day 909 has -1: it is older.
    """

    def __init__(self, entity: Ints, day: Ints, count: Ints, base: Ints) -> None:
        offset = day - (base[entity] - LISTED_DAYS)
        self.listed = offset >= 0
        # The listed rows of entity e are from bounds[e] to bounds[e + 1].
        total = np.bincount(entity, weights=count, minlength=len(base)).astype(np.int64)
        self._bounds = np.searchsorted(entity[self.listed], np.arange(len(base) + 1)).tolist()
        self._days: list[int] = offset[self.listed].tolist()
        self._counts: list[int] = count[self.listed].tolist()
        self._total: list[int] = total.tolist()

    def range(self, entity: int) -> tuple[int, int]:
        """Where the entity's listed days are."""
        return self._bounds[entity], self._bounds[entity + 1]

    def older(self, entity: int) -> int:
        """How many are not on a listed day."""
        low, high = self.range(entity)
        return self._total[entity] - sum(self._counts[low:high])

    def numbers_of(self, entity: int) -> list[int]:
        """The *days* of `timelines/read.py`."""
        low, high = self.range(entity)
        counts, older = self._counts[low:high], self.older(entity)
        are_written = any(count != 1 for count in counts)
        head = 4 * (high - low) + COUNTS_WRITTEN * are_written + OLDER_WRITTEN * bool(older)
        written = counts if are_written else []
        return [head, *self._days[low:high], *written, *([older] if older else [])]


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
