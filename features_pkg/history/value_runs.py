"""Distinct counts by runs: when a value enters a sliding window and when it leaves it.

A value seen at `s` is in the window `[b - w, b)` while `s < b <= s + w`. Where the next sighting
comes at most `w` later, the two spans overlap and are one run. So the number of different values in
the window that ends at `b` is (runs opened before `b`) - (runs whose last sighting lies before
`b - w`): two running sums, read at two positions.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np

from features_pkg.array_types import Ints, Mask


class ValueRuns:
    """The sightings of one target's values, by (value, entity, instant).

    `entity` and `at_us` are those of sorted events, by position; `days` gives their days. The value
    `code[i]` was seen at `position[i]`.

    A card's orders at 0, 10 and 25 s went to the CEPs 7, 7 and 8. Of the 12 s before 25 s:

    >>> runs = ValueRuns(
    ...     entity=np.zeros(3, int), at_us=np.array([0, 10, 25]), days=lambda: np.zeros(3, int),
    ...     position=np.array([0, 1, 2]), code=np.array([7, 7, 8]),
    ... )
    >>> opened = runs.opened_before(12, in_days=False)
    >>> closed = runs.closed_before(12, in_days=False)
    >>> opened.tolist(), closed.tolist()  # one number for each position, and one for the end
    ([0, 1, 1, 2], [0, 0, 1, 2])
    >>> int(opened[2] - closed[1])  # before position 2; the window starts at position 1
    1
    """

    def __init__(
        self, entity: Ints, at_us: Ints, days: Callable[[], Ints], position: Ints, code: Ints
    ) -> None:
        self._rows = len(entity)
        # Sorted by (code, position) as one number, `code * stride + position`. Positions go by
        # entity, then time, so equal neighbours are the next sighting of a value by its entity.
        stride = max(self._rows, 1)
        packed = code.astype(np.int64) * stride + position
        packed.sort()
        value = packed // stride
        self._position = packed - value * stride
        before, after = self._position[:-1], self._position[1:]
        self._same = (value[1:] == value[:-1]) & (entity[after] == entity[before])
        self._gap_us = at_us[after] - at_us[before]
        self._at_us, self._days = at_us, days
        self._packed, self._stride = packed, stride

    @property
    def position(self) -> Ints:
        """The position of each sighting."""
        return self._position

    @cached_property
    def group(self) -> Ints:
        """A number of each sighting's value and entity."""
        return np.concatenate(([0], np.cumsum(~self._same)))[: self._size]

    def code_at(self, sighting: Ints) -> Ints:
        """The value of some sightings."""
        return self._packed[sighting] // self._stride

    def sightings_before(self, code: Ints, position: Ints) -> Ints:
        """How many sightings are of lower values, or of this one before a position."""
        return np.searchsorted(self._packed, code.astype(np.int64) * self._stride + position)

    def gaps(self, first: Ints, last: Ints, *, in_days: bool) -> Ints:
        """How much later than the sightings `first` the sightings `last` are."""
        time = self._days() if in_days else self._at_us
        return time[self._position[last]] - time[self._position[first]]

    def opened_before(self, span: int | None, *, in_days: bool) -> Ints:
        """How many runs opened before each position, for windows `span` long (None: no start)."""
        # `continued` has a number for each sighting but the first, which always opens a run. Cut to
        # the number of sightings, because without any there is no first one.
        continued = self._continued(span, in_days=in_days)
        return self._before(self._position[np.concatenate(([True], ~continued))[: self._size]])

    def closed_before(self, span: int, *, in_days: bool) -> Ints:
        """How many runs had their last sighting before each position."""
        # A sighting is the last of its run if the next one does not continue it; the very last is.
        continued = self._continued(span, in_days=in_days)
        return self._before(self._position[np.concatenate((~continued, [True]))[: self._size]])

    @property
    def _size(self) -> int:
        return len(self._position)

    def _continued(self, span: int | None, *, in_days: bool) -> Mask:
        """Whether each sighting but the first goes on with the run of the one before it."""
        if span is None:
            return np.asarray(self._same)
        gap = self._gap_days() if in_days else self._gap_us
        return np.asarray(self._same & (gap <= span))

    def _gap_days(self) -> Ints:
        days = self._days()
        return days[self._position[1:]] - days[self._position[:-1]]

    def _before(self, positions: Ints) -> Ints:
        counts = np.bincount(positions, minlength=self._rows)
        return np.concatenate(([0], np.cumsum(counts)))
