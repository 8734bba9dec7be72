"""The answers of many questions about one identifier."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from features_pkg.array_types import Ints, Mask
from features_pkg.definitions.velocity import Measure, Past, Velocity
from features_pkg.engines.arrays.questions import AT, CUTOFF, Asking, Edge, edges
from features_pkg.engines.arrays.visibility import answer_one, unusual
from features_pkg.history.sorted_events import History, by_code
from features_pkg.identifiers import Event

NEVER = -1
"""Stands for null in the answers: an age of an entity that was never seen."""


def answer(
    velocities: Sequence[Velocity],
    histories: Mapping[Event, History],
    asking: Asking,
    rows: Ints,
    entity: Ints,
) -> Iterator[tuple[Velocity, Ints]]:
    """Each of `velocities`, which are all of one identifier, with its values.

    Question `i` is row `rows[i]` of `asking`, about the entity `entity[i]`. The values have the
    shape of `rows`; an age is `NEVER` where the entity was never seen.
    """
    sorting = by_code(entity)
    about = _About(histories, asking, rows[sorting], entity[sorting])
    apart = _apart(histories, asking, rows, entity)
    for velocity in velocities:
        values = np.empty(len(rows), dtype=np.int64)
        values[sorting] = about.value(velocity)
        for question in apart:
            values[question] = answer_one(
                velocity, histories[velocity.event], asking, rows[question], entity[question]
            )
        yield velocity, values


UNSHORTENED: tuple[tuple[int, slice | Ints], ...] = ((0, slice(None)),)


def _shorter(stale_days: Ints) -> tuple[tuple[int, slice | Ints], ...]:
    """By how many days windows of days are shorter, and the questions that have them so."""
    if not stale_days.any():
        return UNSHORTENED
    lengths = np.unique(stale_days).tolist()
    return tuple((days, np.flatnonzero(stale_days == days)) for days in lengths)


class _About:
    def __init__(
        self, histories: Mapping[Event, History], asking: Asking, rows: Ints, entity: Ints
    ) -> None:
        self._histories, self._asking = histories, asking
        self._rows, self._entity = rows, entity
        self._shorter = _shorter((asking.due_day - asking.as_of)[rows])
        self._positions: dict[tuple[Event, Edge | None], Ints] = {}

    def value(self, velocity: Velocity) -> Ints:
        history = self._histories[velocity.event]
        start, end = edges(velocity)
        after = self._position(velocity.event, end)
        if velocity.measure is Measure.DISTINCT:
            return self._distinct(velocity, history, after)
        before = np.minimum(self._position(velocity.event, start), after)
        match velocity.measure:
            case Measure.COUNT:
                return after - before
            case Measure.AMOUNT:
                return history.cents_before[after] - history.cents_before[before]
            case Measure.FIRST_AGE:
                return self._age(history, before, after > before)
            case _:
                return self._age(history, after - 1, after > before)

    def _distinct(self, velocity: Velocity, history: History, after: Ints) -> Ints:
        assert velocity.target is not None
        runs = history.runs(velocity.target)
        start, _ = edges(velocity)
        in_days = velocity.past is Past.DISTANT
        if start is None:
            opened = runs.opened(None, in_days=in_days)
            return opened[after] - opened[self._position(velocity.event, None)]
        before = np.minimum(self._position(velocity.event, start), after)
        values = np.empty(len(after), dtype=np.int64)
        for days, mine in self._shorter if in_days else UNSHORTENED:
            opened = runs.opened(start[1] - days, in_days=in_days)
            closed = runs.closed(start[1] - days, in_days=in_days)
            values[mine] = opened[after[mine]] - closed[before[mine]]
        return values

    def _age(self, history: History, position: Ints, seen: Mask) -> Ints:
        if not len(history.at_us):
            return np.full(len(self._rows), NEVER, dtype=np.int64)
        at_us = history.at_us[np.where(seen, position, 0)]
        return np.where(seen, (self._asking.at_us[self._rows] - at_us) // 1_000_000, NEVER)

    def _position(self, event: Event, edge: Edge | None) -> Ints:
        key = (event, edge)
        if key not in self._positions:
            history = self._histories[event]
            if edge is None:
                self._positions[key] = history.starts[self._entity]
            else:
                ranks = self._asking.ranks(edge, history.times)[self._rows]
                self._positions[key] = history.positions(self._entity, ranks)
        return self._positions[key]


def _apart(histories: Mapping[Event, History], asking: Asking, rows: Ints, entity: Ints) -> Ints:
    """The live questions that did not see just what the rule says: each is answered by itself."""
    apart = np.zeros(len(rows), dtype=np.bool_)
    if asking.seen is not None:
        for history in histories.values():
            before_at = history.positions(entity, asking.ranks(AT, history.times)[rows])
            before_cutoff = history.positions(entity, asking.ranks(CUTOFF, history.times)[rows])
            apart |= unusual(history, asking.seen, rows, entity, (before_at, before_cutoff))
            apart |= (asking.seen.own_us < asking.at_us)[rows] & asking.seen.live[rows]
    return np.flatnonzero(apart)
