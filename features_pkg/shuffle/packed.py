"""Pieces of orders as an Arrow batch: their values lie in it column by column, as they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import pyarrow as pa

from features_pkg.identifiers import IDENTIFIERS, Identifier
from features_pkg.shuffle.answer import Pieces
from features_pkg.shuffle.rows import NUMBER_OF

PACKED: Final = pa.schema(
    [
        ("identifier", pa.int8()),
        ("order_pk", pa.list_(pa.int64())),
        ("values", pa.list_(pa.int64())),
    ]
)
"""Some `Pieces`: the number of their identifier, their orders, and all values of the first
velocity, then those of the next one."""


def packed(pieces: Sequence[Pieces]) -> pa.RecordBatch:
    """A row (`PACKED`) for each of `pieces` that has an order."""
    pieces = [each for each in pieces if len(each.order_pk)]
    numbers = [NUMBER_OF[each.identifier] for each in pieces]
    columns = [
        pa.array(numbers, pa.int8()),
        _lists([each.order_pk for each in pieces]),
        _lists([each.values.reshape(-1) for each in pieces]),
    ]
    return pa.record_batch(columns, schema=PACKED)


def unpacked(batch: pa.RecordBatch) -> Iterator[Pieces]:
    """The pieces in a batch (`PACKED`)."""
    for number, orders, values in zip(*batch.columns, strict=True):
        order_pk = orders.values.to_numpy()
        matrix = values.values.to_numpy().reshape(-1, len(order_pk))
        yield Pieces(Identifier(IDENTIFIERS[number.as_py()]), order_pk, matrix)


def _lists(arrays: Sequence[np.ndarray]) -> pa.ListArray:
    ends = np.cumsum([0, *map(len, arrays)])
    items = np.concatenate([np.zeros(0, np.int64), *arrays])
    return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), pa.array(items))
