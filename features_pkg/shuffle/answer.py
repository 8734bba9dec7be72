"""Narrow rows into answers: per question and entity the values of its identifier's features."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features_pkg.array_types import Ints, Mask
from features_pkg.calendar import Calendar
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.engines.arrays import Asking, Seen, answer
from features_pkg.identifiers import MERCHANT, Identifier
from features_pkg.shuffle.group import Group, groups
from features_pkg.shuffle.rows import PARTS, RowKind

PIECES: Final = pa.schema([("order_pk", pa.int64()), ("part", pa.int8()), ("payload", pa.binary())])
"""A piece of an order: of which identifier, and its features' int64 values in catalogue order."""

_ALL_KEYS: Final = np.iinfo(np.int64).max


def pieces(table: pa.Table, features: FeatureSet, calendar: Calendar) -> pa.Table:
    """The answers (`PIECES`) to all questions in `table`, which has all rows of their entities.

    An order has a piece for each of its entities: several of its products.
    """
    found = [_of_group(group, features, calendar) for group in groups(table)]
    return pa.concat_tables([PIECES.empty_table(), *(p for p in found if p is not None)])


def _of_group(group: Group, features: FeatureSet, calendar: Calendar) -> pa.Table | None:
    if group.name == MERCHANT:
        return None
    identifier = Identifier(group.name)
    mine = [v for v in features.velocities if v.identifier is identifier]
    asks = group.kind == RowKind.QUESTION
    if not mine or not asks.any():
        return None
    rows = group.rows.filter(pa.array(asks))
    histories = {
        event: group.history(event, targets, calendar)
        for (kept, event), targets in features.timeline_targets.items()
        if kept is identifier
    }
    answers = answer(
        mine,
        histories,
        _asking(rows, features, calendar),
        np.arange(rows.num_rows),
        group.entity[asks],
    )
    values = np.empty((rows.num_rows, len(mine)), dtype="<i8")
    for place, (_, column) in enumerate(answers):
        values[:, place] = column
    number = pa.array(np.full(rows.num_rows, PARTS.index(identifier)), pa.int8())
    return pa.table([rows["order_pk"], number, payloads(values)], schema=PIECES)


def payloads(values: Ints | NDArray[np.float64]) -> pa.Array:
    """Each row of a matrix of eight-byte numbers as bytes."""
    rows, width = values.shape
    offsets = np.arange(rows + 1, dtype=np.int32) * (8 * width)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(values))]
    return pa.Array.from_buffers(pa.binary(), rows, buffers)


def _asking(rows: pa.Table, features: FeatureSet, calendar: Calendar) -> Asking:
    at_us = rows["at_us"].to_numpy()
    as_of = rows["as_of"].to_numpy().astype(np.int64)
    due_day = calendar.as_ofs(at_us, features.snapshot_lag)
    live = rows["visible"].is_valid().to_numpy()
    if not live.any():
        return Asking(at_us, as_of, due_day, calendar)
    parts = list(_seen_parts(rows["visible"].combine_chunks(), live))
    watermark, xmin, xmax = (np.array([part[place] for part in parts]) for place in range(3))
    seen = Seen(
        live=live,
        watermark=watermark,
        xmin=xmin,
        xmax=xmax,
        in_flight=tuple(frozenset(part[3:]) for part in parts),
        order=rows["order_pk"].to_numpy(),
        own_us=rows["own_us"].to_numpy(),
    )
    return Asking(at_us, as_of, due_day, calendar, seen)


def _seen_parts(seen: pa.Array, live: Mask) -> Iterator[list[int]]:
    for row, is_live in enumerate(live):
        yield seen[row].as_py() if is_live else [_ALL_KEYS] * 3


def flat_values(payload: pa.ChunkedArray) -> Ints:
    """The numbers of payloads of one width, as a matrix."""
    content = b"".join(payload.to_pylist())
    rows = max(len(payload), 1)
    return np.frombuffer(content, dtype="<i8").reshape(rows, -1)


def part_of(table: pa.Table, part: str) -> pa.Table:
    """The rows of one part."""
    return table.filter(pc.equal(table["part"], pa.scalar(PARTS.index(part), pa.int8())))
