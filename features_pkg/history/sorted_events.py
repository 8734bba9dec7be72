"""The events of one identifier, sorted so that a window is a pair of positions."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from features_pkg.array_types import Ints
from features_pkg.calendar import Calendar
from features_pkg.history.different import different
from features_pkg.history.events import Events, without_repeated
from features_pkg.history.value_runs import ValueRuns
from features_pkg.identifiers import Identifier


class SortedEvents:
    """`Events` sorted by (entity, instant); a position is an index into that order.

    The events of entity `e` are the positions from `starts[e]` up to `starts[e + 1]`. Repeated
    chargebacks are left out; `everything` has them.

    `times` are the different instants, ascending. Events of several identifiers may share them:
    then the ranks of the questions among them are found once.
    """

    def __init__(self, events: Events, calendar: Calendar, times: Ints | None = None) -> None:
        self.everything = events
        self.events = without_repeated(events)
        self.times = different(self.events.at_us) if times is None else times
        self._calendar = calendar
        self.by_entity_and_time = _by_entity_and_time(self.events.entity, self.events.at_us)
        self.entity = self.events.entity[self.by_entity_and_time]
        self.at_us = self.events.at_us[self.by_entity_and_time]
        self.starts = _starts(self.entity, events.entities)
        # (entity, rank of the instant) as one number, so that one binary search finds both: an
        # entity's numbers are `stride` wide, more than there are ranks, and never overlap.
        self._stride = len(self.times) + 1
        ranks = np.searchsorted(self.times, self.at_us)
        self._keys = self.entity.astype(np.int64) * self._stride + ranks
        self._runs: dict[Identifier, ValueRuns] = {}

    def positions(self, entity: Ints, ranks: Ints) -> Ints:
        """How many events lie before (entity, the instant of that rank in `times`)."""
        keys = entity.astype(np.int64) * self._stride + ranks
        return np.searchsorted(self._keys, keys).astype(np.int32)

    @cached_property
    def cents_before(self) -> Ints:
        """The sum of the amounts of all events before each position; one more than positions."""
        return np.concatenate(([0], np.cumsum(self.cents_of_positions)))

    @cached_property
    def days(self) -> Ints:
        """The civil day of each position."""
        return self._calendar.days_of(self.at_us)

    def value_runs(self, target: Identifier) -> ValueRuns:
        """When the values of `target` enter and leave windows."""
        if target not in self._runs:
            values = self.events.targets[target]
            position = np.empty(len(self.entity), dtype=np.int64)
            position[self.by_entity_and_time] = np.arange(len(self.entity))
            self._runs[target] = ValueRuns(
                self.entity, self.at_us, lambda: self.days, position[values.event], values.code
            )
        return self._runs[target]

    @cached_property
    def row_of_position(self) -> Ints:
        """The row of `everything` at each position."""
        if self.everything is self.events:
            return self.by_entity_and_time
        assert self.everything.repeated is not None
        return np.flatnonzero(~self.everything.repeated)[self.by_entity_and_time]

    def by_position(self, column: Ints) -> Ints:
        """A column of `everything`, by position."""
        return column[self.row_of_position]

    @cached_property
    def cents_of_positions(self) -> Ints:
        """The amount at each position."""
        return self.events.amount_cents[self.by_entity_and_time]

    @cached_property
    def newest_recorded_key(self) -> Ints:
        """At each position, the greatest recorded key of its entity up to there.

        The maximum must begin anew with each entity. So keys become ranks, and each entity's ranks
        are lifted above those of all entities before it.
        """
        assert self.everything.recorded_key is not None
        keys = self.by_position(self.everything.recorded_key)
        if not len(keys):
            return keys
        known, rank = np.unique(keys, return_inverse=True)
        lift = self.entity * len(known)
        return np.asarray(known[np.maximum.accumulate(lift + rank) - lift])


def by_code(code: Ints) -> Ints:
    """A stable argsort of dense codes.

    One sort of the number `code * rows + row`: it orders by code, then by row, and the row is what
    remains when the code is divided out. Several times faster than a stable argsort.
    """
    rows = max(len(code), 1)
    packed = code.astype(np.int64) * rows + np.arange(len(code))
    packed.sort()
    return packed % rows


def _by_entity_and_time(entity: Ints, at_us: Ints) -> Ints:
    if (at_us[1:] >= at_us[:-1]).all():
        return by_code(entity)
    by_time = np.argsort(at_us, kind="stable")
    return by_time[by_code(entity[by_time])]


def _starts(entity: Ints, entities: int) -> Ints:
    """Where each entity's rows start once they are grouped; one more than entities."""
    return np.concatenate(([0], np.cumsum(np.bincount(entity, minlength=entities))))
