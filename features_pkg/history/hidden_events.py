"""Events that questions could not see: what they add to sums, and the nearest that was seen."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from features_pkg.array_types import Ints, Mask
from features_pkg.history.hidden_values import HiddenValues
from features_pkg.history.ranked import HIGHEST, NearestBelow, NextBelow, SumsFrom
from features_pkg.history.sorted_events import SortedEvents
from features_pkg.identifiers import Identifier


class HiddenEvents:
    """The events of one kind that each of some questions could not see.

    The event at position `p` is hidden from question `i` if `rank[p] >= limit[i]`. A question looks
    at events of the entity `entity[i]` before the position `reach[i]`, never at others.
    """

    def __init__(
        self, events: SortedEvents, rank: Ints, limit: Ints, entity: Ints, reach: Ints
    ) -> None:
        self.rank, self.limit, self.reach = rank, limit, reach
        self.start = events.starts[entity]
        self._events = events
        self._late = np.flatnonzero(rank >= self._lowest_limit_after())
        self._values: dict[Identifier, HiddenValues] = {}

    @property
    def late(self) -> Ints:
        """The positions of the events that are hidden from some question; ascending."""
        return self._late

    def in_windows(self, before: Ints, after: Ints) -> Ints:
        """The questions that may miss an event of the positions `[before, after)`."""
        low, high = np.searchsorted(self._late, before), np.searchsorted(self._late, after)
        return np.flatnonzero(high > low)

    def total(self, weights: Ints | None, before: Ints, after: Ints) -> Ints:
        """How many events of `[before, after)` are hidden from each question, or their weights."""
        total = np.zeros(len(before), dtype=np.int64)
        some = self.in_windows(before, after)
        if len(some):
            late = np.ones(len(self._late), np.int64) if weights is None else weights[self._late]
            low = np.searchsorted(self._late, before[some])
            high = np.searchsorted(self._late, after[some])
            total[some] = self._sums.over(late, low, high, self.limit[some])
        return total

    def values(self, target: Identifier) -> HiddenValues:
        """What the hidden events add to distinct counts."""
        if target not in self._values:
            runs = self._events.value_runs(target)
            self._values[target] = HiddenValues(runs, self.rank, self._is_late)
        return self._values[target]

    def last_before(self, position: Ints) -> Ints:
        """The last position before each one that its question saw; -1 if there is none."""
        return self._nearest.before(position, self.limit)

    def first_from(self, position: Ints) -> Ints:
        """The first position from each one on that its question saw; beyond all if none is."""
        return self._next.at_or_after(position, self.limit)

    @cached_property
    def _is_late(self) -> Mask:
        mask = np.zeros(len(self.rank), dtype=np.bool_)
        mask[self._late] = True
        return mask

    @cached_property
    def _sums(self) -> SumsFrom:
        return SumsFrom(self.rank[self._late])

    @cached_property
    def _nearest(self) -> NearestBelow:
        return NearestBelow(self.rank)

    @cached_property
    def _next(self) -> NextBelow:
        return NextBelow(self.rank)

    def _lowest_limit_after(self) -> Ints:
        """At each position, the lowest limit of the questions that look at it.

        A running minimum from the right that begins anew with each entity: limits become codes, and
        each entity's codes are lifted above those of all entities before it.
        """
        asks = np.flatnonzero(self.reach > self.start)
        known, asked = np.unique(self.limit[asks], return_inverse=True)
        code = np.full(len(self.rank), len(known))
        np.minimum.at(code, self.reach[asks] - 1, asked)
        lift = self._events.entity.astype(np.int64) * (len(known) + 1)
        lowest = np.minimum.accumulate((lift + code)[::-1])[::-1] - lift
        return np.append(known, HIGHEST)[lowest]
