"""Timelines of all entities at once, from sorted events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec
import numpy as np

from features_pkg.array_types import Ints
from features_pkg.history.sorted_events import History
from features_pkg.identifiers import Event, Identifier
from features_pkg.timelines.read import DAY_ZERO, LISTED_DAYS


def encode_all(
    histories: Mapping[Event, History], kept: Mapping[Event, tuple[Identifier, ...]], entities: int
) -> Iterator[tuple[int, bytes]]:
    """The timeline of every entity that has one, as (dense code, bytes).

    `histories` hold only what lies before the snapshot's cutoff; a kind of event that is not kept
    may be left out.
    """
    base = np.zeros(entities, dtype=np.int64)
    for history in histories.values():
        np.maximum.at(base, history.entity, history.days + 1)
    tables = [
        _Lines(histories[event], kept[event], base) if event in histories else None
        for event in Event
    ]
    encoder = msgspec.msgpack.Encoder()
    for entity, day in enumerate(base.tolist()):
        if day:
            lines = [None if table is None else table.line(entity) for table in tables]
            yield entity, encoder.encode([day - DAY_ZERO, *lines])


class _Lines:
    """One event's lines of all entities, cut from arrays that are grouped once."""

    def __init__(self, history: History, kept: tuple[Identifier, ...], base: Ints) -> None:
        self._starts = history.starts.tolist()
        self._at_us = history.at_us.tolist()
        cents = history.events.amount_cents[history.order]
        day_starts, self._events = _by_day(history.entity, history.days, base)
        bounds = np.append(day_starts, len(cents))
        sums = np.concatenate(([0], np.cumsum(cents)))
        self._cents_before = sums[history.starts].tolist()
        self._listed_cents = (sums[bounds[1:]] - sums[bounds[:-1]])[self._events.listed].tolist()
        self._targets = [_last_seen(history, target, base) for target in kept]

    def line(self, entity: int) -> list[object] | None:
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


class _Days:
    """Per entity the listed days and how many rows fell on each; the rest is older."""

    def __init__(self, entity: Ints, day: Ints, count: Ints, base: Ints) -> None:
        offset = day - (base[entity] - LISTED_DAYS)
        self.listed = offset >= 0
        total = np.bincount(entity, weights=count, minlength=len(base)).astype(np.int64)
        places = np.arange(len(base) + 1)
        self._bounds = np.searchsorted(entity[self.listed], places).tolist()
        self._days = offset[self.listed].tolist()
        self._counts = count[self.listed].tolist()
        self._total = total.tolist()

    def range(self, entity: int) -> tuple[int, int]:
        return self._bounds[entity], self._bounds[entity + 1]

    def of(self, entity: int) -> tuple[int, list[int], list[int]]:
        low, high = self.range(entity)
        counts = self._counts[low:high]
        return self._total[entity] - sum(counts), self._days[low:high], counts


def _by_day(entity: Ints, day: Ints, base: Ints) -> tuple[Ints, _Days]:
    """Where each (entity, day) starts in rows sorted by both, and the days."""
    new = np.concatenate(([True], (entity[1:] != entity[:-1]) | (day[1:] != day[:-1])))
    starts = np.flatnonzero(new[: len(entity)])
    count = np.diff(np.append(starts, len(entity)))
    return starts, _Days(entity[starts], day[starts], count, base)


def _last_seen(history: History, target: Identifier, base: Ints) -> _Days:
    position = np.sort(history.runs(target).last_positions())
    _, days = _by_day(history.entity[position], history.days[position], base)
    return days
