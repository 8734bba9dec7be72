"""Entries with ranks: the nearest one below a limit, and sums over those that are not below it."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np

from features_pkg.array_types import Ints

HIGHEST: Final = np.iinfo(np.int64).max


class NearestBelow:
    """The nearest entry whose rank is below a limit, for many positions at once.

    It keeps the lowest ranks of blocks of 1, 2, 4 ... entries. A search goes up while the block
    beside it has nothing below the limit, then down into the one that has.

    >>> ranks = NearestBelow(np.array([3, 7, 5, 9]))
    >>> ranks.before(np.array([4, 2, 1]), np.array([6, 4, 3])).tolist()
    [2, 0, -1]
    """

    def __init__(self, rank: Ints) -> None:
        self._lowest = [rank]
        while len(self._lowest[-1]) > 1:
            below = self._lowest[-1]
            even = np.append(below, HIGHEST) if len(below) % 2 else below
            self._lowest.append(np.minimum(even[::2], even[1::2]))

    def before(self, position: Ints, limit: Ints) -> Ints:
        """The last entry before each position whose rank is below its limit; -1 where none is."""
        block, height = self._up(position, limit)
        for upper, lower in pairwise(reversed(range(len(self._lowest)))):
            inside = np.flatnonzero((height == upper) & (block >= 0))
            right = 2 * block[inside] + 1
            lowest = self._lowest[lower]
            in_right = lowest[np.minimum(right, len(lowest) - 1)] < limit[inside]
            block[inside] = np.where(in_right & (right < len(lowest)), right, right - 1)
            height[inside] = lower
        return block

    def _up(self, position: Ints, limit: Ints) -> tuple[Ints, Ints]:
        """The smallest block left of each position that has a rank below the limit; its height."""
        block, height = np.full(len(position), -1), np.zeros(len(position), dtype=np.int64)
        edge = position.astype(np.int64)
        for level, lowest in enumerate(self._lowest):
            # Only the block whose right edge this is lies beside it; a left one has a wider parent.
            beside = np.flatnonzero((edge % 2 == 1) & (block < 0))
            found = beside[lowest[edge[beside] - 1] < limit[beside]]
            block[found], height[found] = edge[found] - 1, level
            edge //= 2
        return block, height


class NextBelow:
    """As `NearestBelow`, looking the other way."""

    def __init__(self, rank: Ints) -> None:
        self._size = len(rank)
        self._backwards = NearestBelow(rank[::-1])

    def at_or_after(self, position: Ints, limit: Ints) -> Ints:
        """The first entry from each position on whose rank is below its limit.

        Where none is, the number of entries.
        """
        return self._size - 1 - self._backwards.before(self._size - position, limit)


class SumsFrom:
    """Sums of weights over ranges of entries, of those alone whose rank is at least a limit.

    A wavelet matrix: level by level the entries are parted by a bit of their ranks, the highest
    first, each part in its old order. So a range stays a range in each part. Where the limit has a
    0, all entries of the range with a 1 are above it; then the search goes on with the limit's bit.

    >>> sums = SumsFrom(np.array([3, 7, 5, 9]))
    >>> weights = np.array([1, 10, 100, 1000])
    >>> sums.over(weights, low=np.array([0, 1]), high=np.array([4, 3]), limit=np.array([6, 0]))
    array([1010,  110])
    """

    def __init__(self, rank: Ints) -> None:
        self._known, code = np.unique(rank, return_inverse=True)
        self._levels: list[tuple[int, Ints, Ints]] = []
        order = np.arange(len(rank))
        for bit in reversed(range(len(self._known).bit_length())):
            has_bit = (code[order] >> bit) % 2 == 1
            zeros_before = np.concatenate(([0], np.cumsum(~has_bit)))
            order = np.concatenate((order[~has_bit], order[has_bit]))
            self._levels.append((bit, zeros_before, order))

    def over(self, weights: Ints, low: Ints, high: Ints, limit: Ints) -> Ints:
        """The sum over the entries `[low[i], high[i])` whose rank is at least `limit[i]`."""
        code = np.searchsorted(self._known, limit)
        total = np.zeros(len(low), dtype=np.int64)
        before = np.zeros(1, dtype=np.int64)
        for bit, zeros_before, order in self._levels:
            before = np.concatenate(([0], np.cumsum(weights[order])))
            zeros_low, zeros_high = zeros_before[low], zeros_before[high]
            ones_low, ones_high = (
                zeros_before[-1] + low - zeros_low,
                zeros_before[-1] + high - zeros_high,
            )
            has_bit = (code >> bit) % 2 == 1
            total += np.where(has_bit, 0, before[ones_high] - before[ones_low])
            low = np.where(has_bit, ones_low, zeros_low)
            high = np.where(has_bit, ones_high, zeros_high)
        return np.asarray(total + before[high] - before[low])
