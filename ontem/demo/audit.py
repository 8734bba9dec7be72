"""Compares the training set of the live days with the vectors that the service stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from psycopg.rows import tuple_row

from features_pkg.array_types import Floats
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.definitions.missing import null_features
from stores.postgres.connection import Connection

MOST_EXAMPLES = 20


@dataclass(slots=True)
class Audit:
    """How many feature values were compared, how many differ, and the first of those by name."""

    orders: int = 0
    compared: int = 0
    different: int = 0
    not_readable: int = 0
    """Values that the evaluation could not read; in training they are null by definition."""
    not_in_training: int = 0
    """Evaluations without a row in the training set."""
    examples: list[str] = field(default_factory=list)


def compare_vectors(
    training: pa.Table, stored: Mapping[int, tuple[bytes, Sequence[str]]], features: FeatureSet
) -> Audit:
    """`stored` has the vector and the missing parts of each evaluated order, by `order_pk`."""
    audit = Audit()
    rows = {int(pk): row for row, pk in enumerate(training["order_pk"].to_pylist())}
    matrix = as_matrix(training, features.names)
    for order_pk, (content, missing) in stored.items():
        if order_pk not in rows:
            audit.not_in_training += 1
            continue
        vector = np.frombuffer(content, dtype="<f8")
        trained = matrix[rows[order_pk]]
        nulls = null_features(features, missing)
        readable = np.array([name not in nulls for name in features.names])
        same = (vector == trained) | (np.isnan(vector) & np.isnan(trained))
        audit.orders += 1
        audit.compared += int(readable.sum())
        audit.not_readable += int((~readable).sum())
        for position in np.flatnonzero(readable & ~same):
            audit.different += 1
            audit.examples.append(
                f"order_pk {order_pk} {features.names[position]}: "
                f"stored {vector[position]:g}, training {trained[position]:g}"
            )
    audit.examples = audit.examples[:MOST_EXAMPLES]
    return audit


def as_matrix(table: pa.Table, names: Sequence[str]) -> Floats:
    """Columns of numbers as the columns of a matrix of floats, NaN for null."""
    columns = [table[name].cast(pa.float64()).to_numpy(zero_copy_only=False) for name in names]
    return np.stack(columns, axis=1) if columns else np.zeros((table.num_rows, 0))


def stored_vectors(connection: Connection) -> dict[int, tuple[bytes, Sequence[str]]]:
    """The vector and the missing parts of every evaluation, by `order_pk`."""
    with connection.cursor(row_factory=tuple_row) as cursor:
        rows = cursor.execute("SELECT order_pk, vector, missing FROM evaluations").fetchall()
    return {int(pk): (bytes(vector), tuple(missing)) for pk, vector, missing in rows}
