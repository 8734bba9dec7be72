"""Shuffled rows into answers: per question and entity the values of its identifier's features."""

from __future__ import annotations

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features_pkg.array_types import Ints
from features_pkg.calendar import Calendar
from features_pkg.chunked import binary_column, list_column
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.engines.arrays import Questions, Visibility, answer
from features_pkg.history.ragged import expand
from features_pkg.identifiers import MERCHANT, Identifier
from features_pkg.shuffle.group import Group, groups
from features_pkg.shuffle.rows import NUMBER_OF, RowKind

PIECES: Final = pa.schema(
    [("order_pk", pa.int64()), ("piece", pa.int8()), ("payload", pa.binary())]
)
"""A piece of an order: the number of its identifier, and that identifier's features: int64 values
in catalogue order."""

BOUNDS: Final = 3
"""How many bounds `live_visibility` has before what was in flight."""

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


def payloads(values: Ints | NDArray[np.float64]) -> pa.ChunkedArray:
    """Each row of a matrix of eight-byte numbers as bytes."""
    rows, width = values.shape
    return binary_column(values, np.arange(rows + 1, dtype=np.int64) * (8 * width))


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
    if rows["visible"].null_count == len(rows["visible"]):
        return Questions(at_us, as_of, due_day, calendar)
    visibility = _visibility(rows)
    return Questions(at_us, as_of, due_day, calendar, visibility)


def _visibility(rows: pa.Table) -> Visibility:
    """What the questions could see; one asked by the rule sees all keys."""
    live = rows["visible"].is_valid().to_numpy()
    count, keys = list_column(rows["visible"])
    start = np.cumsum(count) - count

    def bound(position: int) -> Ints:
        bounds = np.full(len(live), _ALL_KEYS)
        bounds[live] = keys[start[live] + position]
        return bounds

    in_flight = np.maximum(count - BOUNDS, 0)
    _, index = expand(start + BOUNDS, in_flight)
    return Visibility(
        live=live,
        watermark=bound(0),
        xmin=bound(1),
        xmax=bound(2),
        in_flight=keys[index],
        in_flight_starts=np.concatenate(([0], np.cumsum(in_flight))),
        order=rows["order_pk"].to_numpy(),
        own_us=rows["own_us"].to_numpy(),
    )
