"""What hidden events add to distinct counts.

The number of different values in a window is (sightings in it) - (pairs of neighbouring sightings
of a value that both lie in it). Let events appear in the order of their ranks. One more sighting
adds itself and the pairs with its neighbours on both sides, and breaks their own pair: at most four
items, all with its rank. So the items of ranks from a limit on are what the events from that limit
on add, and a question subtracts them.
"""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import numpy as np

from features_pkg.array_types import Ints, Mask
from features_pkg.history.ranked import NearestBelow, NextBelow, SumsFrom
from features_pkg.history.value_runs import ValueRuns


class _Items(NamedTuple):
    """Pairs of sightings (or one twice) that count `weight` in windows that hold both of them."""

    first: Ints
    last: Ints
    weight: Ints
    rank: Ints


class HiddenValues:
    """The sightings of one target's values at the events that `is_late` marks, by position.

    `rank` holds the ranks of the events by position.
    """

    def __init__(self, runs: ValueRuns, rank: Ints, is_late: Mask) -> None:
        self._runs = runs
        self._rank = rank[runs.position]
        self._items = self._late_items(np.flatnonzero(is_late[runs.position]))
        first, last = runs.position[self._items.first], runs.position[self._items.last]
        self._by_first, self._by_last = np.argsort(first), np.argsort(last)
        self._first, self._last = first[self._by_first], last[self._by_last]

    def total(
        self,
        span: int | None,
        start: Ints,
        before: Ints,
        after: Ints,
        limit: Ints,
        *,
        in_days: bool,
    ) -> Ints:
        """How much the events of ranks from `limit` on add to the windows `[before, after)`.

        The windows are `span` long, and their entities' events begin at `start`.
        """
        weight = self._items.weight
        if span is not None:
            gap = self._gap_days if in_days else self._gap_us
            weight = np.where(gap <= span, weight, 0)
        total = self._sums_by_last.over(
            weight[self._by_last],
            np.searchsorted(self._last, start),
            np.searchsorted(self._last, after),
            limit,
        )
        if span is None:
            return total
        # A pair that is not longer than the window ends in it or before it if it begins before it.
        return total - self._sums_by_first.over(
            weight[self._by_first],
            np.searchsorted(self._first, start),
            np.searchsorted(self._first, before),
            limit,
        )

    def last_sighting(self, code: Ints, position: Ints, limit: Ints) -> Ints:
        """The position of the last sighting of a value below a limit before `position`; -1: none.

        It may be one of another entity.
        """
        found = self._nearest.before(self._runs.sightings_before(code, position), limit)
        is_of_value = (found >= 0) & (self._runs.code_at(found) == code)
        return np.where(is_of_value, self._runs.position[found] if len(found) else found, -1)

    def _late_items(self, late: Ints) -> _Items:
        rank, group = self._rank[late], self._runs.group
        # Of equal ranks the earlier sighting counts as the first to appear.
        left = self._nearest.before(late, rank + 1)
        right = NextBelow(self._rank).at_or_after(late + 1, rank)
        has_left = (left >= 0) & (group[left] == group[late])
        has_right = right < len(group)
        has_right[has_right] = group[right[has_right]] == group[late[has_right]]
        both = has_left & has_right
        parts = (
            (late, late, 1, slice(None)),
            (left, late, -1, has_left),
            (late, right, -1, has_right),
            (left, right, 1, both),
        )
        return _Items(
            np.concatenate([first[some] for first, _, _, some in parts]),
            np.concatenate([last[some] for _, last, _, some in parts]),
            np.concatenate([np.full(len(late[some]), weight) for _, _, weight, some in parts]),
            np.concatenate([rank[some] for _, _, _, some in parts]),
        )

    @cached_property
    def _nearest(self) -> NearestBelow:
        return NearestBelow(self._rank)

    @cached_property
    def _sums_by_first(self) -> SumsFrom:
        return SumsFrom(self._items.rank[self._by_first])

    @cached_property
    def _sums_by_last(self) -> SumsFrom:
        return SumsFrom(self._items.rank[self._by_last])

    @cached_property
    def _gap_us(self) -> Ints:
        return self._runs.gaps(self._items.first, self._items.last, in_days=False)

    @cached_property
    def _gap_days(self) -> Ints:
        return self._runs.gaps(self._items.first, self._items.last, in_days=True)
