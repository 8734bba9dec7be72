"""Snapshots of PostgreSQL in the order in which they were taken.

A server's snapshots lie one within the next: what one sees, all later ones see. So in their order a
transaction has a first one that sees it, and "was it in flight?" becomes "which is lower?".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from features_pkg.array_types import Ints
from features_pkg.engines.arrays.questions import Visibility
from features_pkg.history.ragged import expand


@dataclass(frozen=True, slots=True)
class Chain:
    """Questions whose snapshots lie one within the next, in that order.

    `xmax` is ascending. Of the transactions `key`, ascending, which were in flight for some, the
    snapshot at `first_link` is the first that sees them.
    """

    questions: Ints
    xmax: Ints
    key: Ints
    first_link: Ints

    def links(self, keys: Ints) -> Ints:
        """The first snapshot that sees each transaction; their number where none does."""
        links = np.searchsorted(self.xmax, keys, side="right")
        if not len(self.key):
            return links
        nearest = np.minimum(np.searchsorted(self.key, keys), len(self.key) - 1)
        return np.where(self.key[nearest] == keys, self.first_link[nearest], links)


def chains(visibility: Visibility) -> Iterator[Chain]:
    """All questions in chains: a single one, unless the snapshots are not those of one server."""
    count = np.diff(visibility.in_flight_starts)
    left = np.lexsort((-count, visibility.xmax))
    while len(left):
        chain = _chain(visibility, left)
        yield chain
        left = left[~np.isin(left, chain.questions)]


def _chain(visibility: Visibility, questions: Ints) -> Chain:
    """As many of the sorted questions as make a chain; the first is always among them.

    A transaction that is in flight for a question is so for all before it whose `xmax` is above it:
    there must be no gap between the first of these and the last that lists it. Questions behind a
    gap are left out.
    """
    starts = visibility.in_flight_starts
    while True:
        xmax = visibility.xmax[questions]
        link, index = expand(starts[questions], np.diff(starts)[questions])
        key = visibility.in_flight[index]
        listed = np.flatnonzero(key < xmax[link])
        by_key = listed[np.lexsort((link[listed], key[listed]))]
        link = link[by_key]
        known, begin, count = np.unique(key[by_key], return_index=True, return_counts=True)
        first = np.searchsorted(xmax, known, side="right")
        without_gap = np.repeat(first - begin, count) + np.arange(len(link))
        odd = np.unique(link[link != without_gap])
        if not len(odd):
            return Chain(questions, xmax, known, first + count)
        questions = np.delete(questions, odd)
