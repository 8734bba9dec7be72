"""Answers of entities as columns of orders: the best of several, and what is null."""

from __future__ import annotations

import numpy as np

from features_pkg.array_types import Ints
from features_pkg.definitions.velocity import Velocity


def best_of_each(velocity: Velocity, rows: Ints, values: Ints) -> tuple[Ints, Ints]:
    """Of the values that a row has for its several entities the greatest; of ages the least.

    `rows` is ascending. An age of an entity never seen (negative) is left out where there is
    another. Returns each row once.
    """
    if not len(rows):
        return rows, values
    starts = np.flatnonzero(np.concatenate(([True], rows[1:] != rows[:-1])))
    if not velocity.measure.is_age:
        return rows[starts], np.maximum.reduceat(values, starts)
    never = np.iinfo(np.int64).max
    least = np.minimum.reduceat(np.where(values < 0, never, values), starts)
    return rows[starts], np.where(least == never, -1, least)
