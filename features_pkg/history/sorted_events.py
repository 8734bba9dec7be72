"""The events of one identifier, sorted so that a window is a pair of positions."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from features_pkg.array_types import Ints, Mask
from features_pkg.calendar import Calendar
from features_pkg.history.events import Events, take
from features_pkg.history.value_runs import Runs
from features_pkg.identifiers import Identifier


class History:
    """`Events` sorted by (entity, instant); a position is an index into that order.

    `times` are the different instants, ascending. Shared by several histories, the ranks of the
    questions in it are found once.
    """

    def __init__(self, events: Events, calendar: Calendar, times: Ints | None = None) -> None:
        self.all = events
        events = _first_only(events)
        self.events = events
        self.times = np.unique(events.at_us) if times is None else times
        self._calendar = calendar
        self.order = _by_entity_then_time(events.entity, events.at_us)
        self.entity = events.entity[self.order]
        self.at_us = events.at_us[self.order]
        counts = np.bincount(self.entity, minlength=events.entities)
        self.starts = np.concatenate(([0], np.cumsum(counts)))
        self._stride = len(self.times) + 1
        self._keys = self.entity.astype(np.int64) * self._stride + np.searchsorted(
            self.times, self.at_us
        )
        self._runs: dict[Identifier, Runs] = {}

    def positions(self, entity: Ints, ranks: Ints) -> Ints:
        """How many rows lie before (entity, the instant of that rank in `times`)."""
        keys = entity.astype(np.int64) * self._stride + ranks
        return np.searchsorted(self._keys, keys).astype(np.int32)

    @cached_property
    def cents_before(self) -> Ints:
        """Sum of the cents of all rows before each position."""
        return np.concatenate(([0], np.cumsum(self.events.amount_cents[self.order])))

    @cached_property
    def days(self) -> Ints:
        """The civil day of each position."""
        return self._calendar.days_of(self.at_us)

    @cached_property
    def newest_recorded_key(self) -> Ints:
        """At each position, the greatest `recorded_key` of its entity up to there."""
        assert self.events.recorded_key is not None
        keys = self.events.recorded_key[self.order]
        if not len(keys):
            return keys
        known, rank = np.unique(keys, return_inverse=True)
        base = self.entity * len(known)
        return np.asarray(known[np.maximum.accumulate(base + rank) - base])

    @cached_property
    def with_extra(self) -> Mask:
        """Which entities have an order that was charged back again."""
        entities = np.zeros(self.all.entities, dtype=np.bool_)
        if self.all.extra is not None:
            entities[self.all.entity[self.all.extra]] = True
        return entities

    def rows_of(self, entity: int) -> Ints:
        """The rows of `all` that belong to one entity."""
        order, starts = self._grouped
        return order[starts[entity] : starts[entity + 1]]

    @cached_property
    def _grouped(self) -> tuple[Ints, Ints]:
        counts = np.bincount(self.all.entity, minlength=self.all.entities)
        return by_code(self.all.entity), np.concatenate(([0], np.cumsum(counts)))

    def runs(self, target: Identifier) -> Runs:
        """Where the values of `target` begin and cease to be seen."""
        if target not in self._runs:
            values = self.events.targets[target]
            position = np.empty(len(self.order), dtype=np.int64)
            position[self.order] = np.arange(len(self.order))
            self._runs[target] = Runs(
                self.entity, self.at_us, lambda: self.days, position[values.event], values.code
            )
        return self._runs[target]


def _first_only(events: Events) -> Events:
    if events.extra is None or not events.extra.any():
        return events
    return take(events, ~events.extra)


def _by_entity_then_time(entity: Ints, at_us: Ints) -> Ints:
    if (at_us[1:] >= at_us[:-1]).all():
        return by_code(entity)
    by_time = np.argsort(at_us, kind="stable")
    return by_time[by_code(entity[by_time])]


def by_code(code: Ints) -> Ints:
    """A stable argsort of small codes: one sort of (code, row) packed in a number."""
    rows = max(len(code), 1)
    packed = code.astype(np.int64) * rows + np.arange(len(code))
    packed.sort()
    return packed % rows
