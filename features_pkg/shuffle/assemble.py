"""The pieces of an order back into one row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pyarrow as pa

from features_pkg.array_types import Ints
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.definitions.velocity import Velocity
from features_pkg.engines.arrays.columns import derived_columns, order_column
from features_pkg.identifiers import IDENTIFIERS, Identifier
from features_pkg.shuffle.answer import Pieces


def assembled_schema(features: FeatureSet, extra_columns: pa.Schema) -> pa.Schema:
    """`order_pk`, the columns passed on, and a column per feature: int64, a derived one float64."""
    derived = {each.name for each in features.derived}
    columns = [(n, pa.float64() if n in derived else pa.int64()) for n in features.names]
    return pa.schema([("order_pk", pa.int64()), *extra_columns, *columns])


def assemble(
    orders: pa.Table, pieces: Iterable[Pieces], features: FeatureSet, extra_columns: pa.Schema
) -> pa.Table:
    """One row (`assembled_schema`) for each of `orders` (`order_pieces`), with all of its pieces.

    Sorted by `order_pk`, so that the same input gives the same bytes.
    """
    schema = assembled_schema(features, extra_columns)
    orders = orders.sort_by("order_pk")
    columns = {name: orders[name] for name in orders.column_names}
    of_identifier: dict[Identifier, list[Pieces]] = {each: [] for each in IDENTIFIERS}
    for each in pieces:
        of_identifier[each.identifier].append(each)
    order_pk = orders["order_pk"].to_numpy()
    for identifier in IDENTIFIERS:
        velocities = features.velocities_of(identifier)
        columns |= dict(_columns(velocities, of_identifier.pop(identifier), order_pk))
    columns |= derived_columns(features.derived, columns)
    return pa.table([columns[name] for name in schema.names], schema=schema)


def _columns(
    velocities: Sequence[Velocity], pieces: Sequence[Pieces], order_pk: Ints
) -> Iterator[tuple[str, pa.Array]]:
    """The columns of one identifier's features; `order_pk` is ascending."""
    nothing = np.zeros(0, np.int64)
    rows = np.searchsorted(order_pk, np.concatenate([nothing, *(p.order_pk for p in pieces)]))
    ascending = np.argsort(rows, kind="stable")
    rows = rows[ascending]
    for position, velocity in enumerate(velocities):
        values = np.concatenate([nothing, *(each.values[position] for each in pieces)])
        yield velocity.name, order_column(velocity, len(order_pk), rows, values[ascending])
