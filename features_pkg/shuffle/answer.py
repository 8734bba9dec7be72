"""Shuffled rows into answers: per question and entity the values of its identifier's features."""

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
from features_pkg.engines.arrays import Questions, Visibility, answer
from features_pkg.identifiers import MERCHANT, Identifier
from features_pkg.shuffle.group import Group, groups
from features_pkg.shuffle.rows import NUMBER_OF, RowKind

PIECES: Final = pa.schema(
    [("order_pk", pa.int64()), ("piece", pa.int8()), ("payload", pa.binary())]
)
"""A piece of an order: the number of its identifier, and that identifier's features: int64 values
in catalogue order."""

_ALL_KEYS: Final = np.iinfo(np.int64).max


def answer_pieces(table: pa.Table, features: FeatureSet, calendar: Calendar) -> pa.Table:
    """The answers (`PIECES`) to all questions in `table`, which has all rows of their entities.

    An order has a piece for each of its entities: several of its products.
    """
    tables = [_group_pieces(group, features, calendar) for group in groups(table)]
    return pa.concat_tables([PIECES.empty_table(), *(t for t in tables if t is not None)])


def _group_pieces(group: Group, features: FeatureSet, calendar: Calendar) -> pa.Table | None:
    if group.name == MERCHANT:
        return None
    identifier = Identifier(group.name)
    velocities = features.velocities_of(identifier)
    is_question = group.kind == RowKind.QUESTION
    if not velocities or not is_question.any():
        return None
    rows = group.rows.filter(pa.array(is_question))
    history = {
        event: group.events(event, targets, calendar)
        for event, targets in features.targets_by_event(identifier).items()
    }
    answers = answer(
        velocities,
        history,
        _questions(rows, features, calendar),
        np.arange(rows.num_rows),
        group.entity[is_question],
    )
    values = np.empty((rows.num_rows, len(velocities)), dtype="<i8")
    for position, (_, column) in enumerate(answers):
        values[:, position] = column
    number = pa.array(np.full(rows.num_rows, NUMBER_OF[identifier]), pa.int8())
    return pa.table([rows["order_pk"], number, payloads(values)], schema=PIECES)


def payloads(values: Ints | NDArray[np.float64]) -> pa.Array:
    """Each row of a matrix of eight-byte numbers as bytes."""
    rows, width = values.shape
    offsets = np.arange(rows + 1, dtype=np.int32) * (8 * width)
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(values))]
    return pa.Array.from_buffers(pa.binary(), rows, buffers)


def payload_values(payload: pa.ChunkedArray) -> Ints:
    """The numbers of payloads of one width, as a matrix."""
    content = b"".join(payload.to_pylist())
    rows = max(len(payload), 1)
    return np.frombuffer(content, dtype="<i8").reshape(rows, -1)


def pieces_of(table: pa.Table, identifier: Identifier) -> pa.Table:
    """The pieces of one identifier."""
    return table.filter(pc.equal(table["piece"], NUMBER_OF[identifier]))


def _questions(rows: pa.Table, features: FeatureSet, calendar: Calendar) -> Questions:
    at_us = rows["at_us"].to_numpy()
    as_of = rows["as_of"].to_numpy().astype(np.int64)
    due_day = calendar.due_days(at_us, features.snapshot_lag)
    live = rows["visible"].is_valid().to_numpy()
    if not live.any():
        return Questions(at_us, as_of, due_day, calendar)
    keys = list(_visible_keys(rows["visible"].combine_chunks(), live))
    watermark, xmin, xmax = (np.array([row[place] for row in keys]) for place in range(3))
    visibility = Visibility(
        live=live,
        watermark=watermark,
        xmin=xmin,
        xmax=xmax,
        in_flight=tuple(frozenset(row[3:]) for row in keys),
        order=rows["order_pk"].to_numpy(),
        own_us=rows["own_us"].to_numpy(),
    )
    return Questions(at_us, as_of, due_day, calendar, visibility)


def _visible_keys(visible: pa.Array, live: Mask) -> Iterator[list[int]]:
    """Each question's `live_visibility`; one asked by the rule sees all keys."""
    for row, is_live in enumerate(live):
        yield visible[row].as_py() if is_live else [_ALL_KEYS] * 3
