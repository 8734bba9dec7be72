"""Orders that were charged back again: who could not see the first time counts a later one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

import numpy as np

from features_pkg.array_types import Ints, Mask
from features_pkg.history.events import Events
from features_pkg.history.ragged import expand

MOST_PAIRS: Final = 2**20
"""How many (question, chargeback) pairs are looked at at once; this bounds the memory."""


class Pairs(NamedTuple):
    """Questions, each with a row of `Events`."""

    question: Ints
    row: Ints


Sees = Callable[[Ints, Ints], Mask]
"""Whether question `question[i]` sees the event in `row[i]`, which happened before it was asked."""


def later_chargebacks(events: Events, entity: Ints, until_us: Ints, sees: Sees) -> Pairs:
    """The later chargebacks that questions count, as they could not see the order's first.

    Question `i` is about `entity[i]` and looks at what happened before `until_us[i]`.
    """
    rows, starts = _charged_again(events)
    at_us = events.at_us[rows]
    nothing = np.zeros(0, dtype=np.int64)
    found = [Pairs(nothing, nothing)]
    for some in _parts(np.diff(starts)[entity]):
        question, index = expand(starts[entity[some]], np.diff(starts)[entity[some]])
        question = some[question]
        before = at_us[index] < until_us[question]
        question, row = question[before], rows[index[before]]
        visible = sees(question, row)
        found.append(_later(events, question[visible], row[visible]))
    return Pairs(*map(np.concatenate, zip(*found, strict=True)))


def _charged_again(events: Events) -> tuple[Ints, Ints]:
    """All chargebacks of orders that have several, by (entity, instant); where entities start."""
    assert events.order is not None
    if events.repeated is None or not events.repeated.any():
        rows = np.zeros(0, dtype=np.int64)
    else:
        several = np.unique(events.order[events.repeated])
        rows = np.flatnonzero(np.isin(events.order, several))
        rows = rows[np.lexsort((events.at_us[rows], events.entity[rows]))]
    counts = np.bincount(events.entity[rows], minlength=events.entities)
    return rows, np.concatenate(([0], np.cumsum(counts)))


def _later(events: Events, question: Ints, row: Ints) -> Pairs:
    """Of each question and order the first pair, where that is not the order's first chargeback.

    The pairs of a question are by instant.
    """
    assert events.order is not None
    assert events.repeated is not None
    _, order = np.unique(events.order[row], return_inverse=True)
    pair = question * (order.max(initial=0) + 1) + order
    _, first = np.unique(pair, return_index=True)
    counts = first[events.repeated[row[first]]]
    return Pairs(question[counts], row[counts])


def _parts(sizes: Ints) -> Iterator[Ints]:
    """The questions that have pairs, cut where these exceed `MOST_PAIRS`; never less than one."""
    asks = np.flatnonzero(sizes)
    part = np.cumsum(sizes[asks]) // MOST_PAIRS
    yield from np.split(asks, np.flatnonzero(np.diff(part)) + 1) if len(asks) else ()
