"""Distinct counts by runs: when a value comes into a sliding window and when it leaves it.

A value seen at `s` is in the window `[b - w, b)` while `s < b <= s + w`. Where the next sighting
comes at most `w` later, the two spans are one run. So the number of different values in the window
is (runs opened before `b`) - (runs whose last sighting lies before `b - w`): two running sums.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from features_pkg.array_types import Ints, Mask


class Runs:
    """The sightings of one target's values, by (value, entity, instant).

    `entity` and `at_us` are a history's, by position, `days` gives its days; the value `code[i]`
    was seen at `position[i]`.
    """

    def __init__(
        self, entity: Ints, at_us: Ints, days: Callable[[], Ints], position: Ints, code: Ints
    ) -> None:
        self._rows = len(entity)
        stride = max(self._rows, 1)
        packed = code.astype(np.int64) * stride + position
        packed.sort()
        value = packed // stride
        self._position = packed - value * stride
        before, after = self._position[:-1], self._position[1:]
        self._same = (value[1:] == value[:-1]) & (entity[after] == entity[before])
        self._gap_us = at_us[after] - at_us[before]
        self._days = days

    def opened(self, span: int | None, *, in_days: bool) -> Ints:
        """Runs opened before each position, for windows `span` long (None: without end)."""
        continued = self._continued(span, in_days=in_days)
        return self._before(self._position[np.concatenate(([True], ~continued))[: self._size]])

    def closed(self, span: int, *, in_days: bool) -> Ints:
        """Runs whose last sighting lies before each position."""
        continued = self._continued(span, in_days=in_days)
        return self._before(self._position[np.concatenate((~continued, [True]))[: self._size]])

    def last_positions(self) -> Ints:
        """Of every entity and value the position of the last sighting."""
        return self._position[np.concatenate((~self._same, [True]))[: self._size]]

    @property
    def _size(self) -> int:
        return len(self._position)

    def _continued(self, span: int | None, *, in_days: bool) -> Mask:
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
