"""Shuffled rows into answers: per question and entity the values of its identifier's features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

from features_pkg.array_types import Ints
from features_pkg.calendar import Calendar
from features_pkg.chunked import list_column
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.engines.arrays import Questions, Visibility, answer
from features_pkg.history.ragged import expand
from features_pkg.identifiers import MERCHANT, Identifier
from features_pkg.shuffle.group import Group, groups
from features_pkg.shuffle.rows import RowKind

BOUNDS: Final = 3
"""How many bounds `live_visibility` has before what was in flight."""

_OF_QUESTIONS: Final = ("order_pk", "at_us", "as_of", "visible", "own_us")
_ALL_KEYS: Final = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class Pieces:
    """A piece of each of some orders: what is answered about an entity of one identifier.

    `values` has a row for each velocity of the identifier, in the feature set's order; its column
    `i` is the piece of the order `order_pk[i]`, which has one for each of its entities: several
    of its products.
    """

    identifier: Identifier
    order_pk: Ints
    values: Ints

    def take(self, columns: Ints) -> Pieces:
        """The pieces of these columns."""
        values = np.empty((len(self.values), len(columns)), dtype=np.int64)
        for row, of_velocity in zip(values, self.values, strict=True):
            of_velocity.take(columns, out=row)
        return Pieces(self.identifier, self.order_pk[columns], values)

    def slice(self, start: int, end: int) -> Pieces:
        """The pieces from one column up to another."""
        return Pieces(self.identifier, self.order_pk[start:end], self.values[:, start:end])


def answer_pieces(table: pa.Table, features: FeatureSet, calendar: Calendar) -> list[Pieces]:
    """The answers to all questions in `table`, which has all rows of their entities."""
    pieces = [_group_pieces(group, features, calendar) for group in groups(table)]
    return [each for each in pieces if each is not None]


def _group_pieces(group: Group, features: FeatureSet, calendar: Calendar) -> Pieces | None:
    if group.name == MERCHANT:
        return None
    identifier = Identifier(group.name)
    velocities = features.velocities_of(identifier)
    is_question = group.kind == RowKind.QUESTION
    if not velocities or not is_question.any():
        return None
    rows = group.rows.select(_OF_QUESTIONS).filter(pa.array(is_question))
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
    values = np.empty((len(velocities), rows.num_rows), dtype=np.int64)
    for row, (_, answered) in zip(values, answers, strict=True):
        row[:] = answered
    return Pieces(identifier, rows["order_pk"].to_numpy(), values)


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
