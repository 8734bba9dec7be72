"""Answers about entities as columns of orders: the best of several, and what is null."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from features_pkg.array_types import Floats, Ints
from features_pkg.definitions.derived import Derived
from features_pkg.definitions.velocity import Velocity
from features_pkg.engines.derivation import derived_column
from features_pkg.measures.inputs import NEVER


def order_column(velocity: Velocity, orders: int, rows: Ints, values: Ints) -> pa.Array:
    """The int64 column of `velocity` over `orders` orders, from `values[i]` of order `rows[i]`.

    `rows` is ascending. Null where an order is not among them: it does not carry the identifier. An
    age is also null where the entity was never seen.
    """
    if velocity.identifier.several:
        rows, values = best_of_each(velocity, rows, values)
    column = np.zeros(orders, dtype=np.int64)
    column[rows] = values
    known = np.zeros(orders, dtype=np.bool_)
    known[rows] = values != NEVER if velocity.measure.is_age else True
    # Arrow keeps nulls as one bit per row, so an array is made of both buffers without a copy.
    valid = pa.py_buffer(np.packbits(known, bitorder="little"))
    return pa.Array.from_buffers(pa.int64(), orders, [valid, pa.py_buffer(column)])


def best_of_each(velocity: Velocity, rows: Ints, values: Ints) -> tuple[Ints, Ints]:
    """Of the values that an order has for its several entities the greatest; of ages the least.

    `rows` is ascending. An age that is `NEVER` counts only where an order has no other. Returns
    each order once.
    """
    if not len(rows):
        return rows, values
    starts = np.flatnonzero(np.concatenate(([True], rows[1:] != rows[:-1])))
    if not velocity.measure.is_age:
        return rows[starts], np.maximum.reduceat(values, starts)
    latest = np.iinfo(np.int64).max
    least = np.minimum.reduceat(np.where(values == NEVER, latest, values), starts)
    return rows[starts], np.where(least == latest, NEVER, least)


def derived_columns(
    derived: Sequence[Derived], columns: Mapping[str, pa.Array]
) -> dict[str, pa.Array]:
    """The float64 columns of derived features by name, from the columns of what they read."""
    operands = {name for each in derived for name in each.operand_names}
    floats = {name: _floats(columns[name]) for name in operands}
    return {each.name: _nullable(derived_column(each, floats)) for each in derived}


def _floats(column: pa.Array) -> Floats:
    """A column of whole numbers as floats, NaN for null; above 2**53 the nearest, as in Python."""
    return np.asarray(column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False))


def _nullable(values: Floats) -> pa.Array:
    return pa.array(values, mask=np.isnan(values))
