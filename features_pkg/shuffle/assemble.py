"""The pieces of an order back into one row."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features_pkg.array_types import Ints
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.engines.arrays.columns import derived_columns, order_column
from features_pkg.identifiers import IDENTIFIERS, Identifier
from features_pkg.shuffle.answer import payload_values, pieces_of
from features_pkg.shuffle.order_pieces import ORDER_PIECE, order_feature_columns


def assembled_schema(features: FeatureSet, extra_columns: pa.Schema) -> pa.Schema:
    """`order_pk`, the columns passed on, and a column per feature: int64, a derived one float64."""
    derived = {each.name for each in features.derived}
    columns = [(n, pa.float64() if n in derived else pa.int64()) for n in features.names]
    return pa.schema([("order_pk", pa.int64()), *extra_columns, *columns])


def assemble(table: pa.Table, features: FeatureSet, extra_columns: pa.Schema) -> pa.Table:
    """One row (`assembled_schema`) per order in `table`, which has all pieces of its orders.

    Sorted by `order_pk`, so that the same input gives the same bytes.
    """
    schema = assembled_schema(features, extra_columns)
    orders = table.filter(pc.equal(table["piece"], ORDER_PIECE)).sort_by("order_pk")
    if not orders.num_rows:
        return schema.empty_table()
    columns: dict[str, pa.Array] = {
        name: orders[name] for name in ("order_pk", *extra_columns.names)
    }
    for identifier in IDENTIFIERS:
        columns |= dict(_columns(table, identifier, features, orders["order_pk"].to_numpy()))
    values = payload_values(orders["payload"])
    columns |= dict(zip(features.order_features, order_feature_columns(values), strict=True))
    columns |= derived_columns(features.derived, columns)
    return pa.table([columns[name] for name in schema.names], schema=schema)


def _columns(
    table: pa.Table, identifier: Identifier, features: FeatureSet, order_pk: Ints
) -> Iterator[tuple[str, pa.Array]]:
    """The columns of one identifier's features; `order_pk` is ascending."""
    velocities = features.velocities_of(identifier)
    pieces = pieces_of(table, identifier).sort_by("order_pk")
    rows = np.searchsorted(order_pk, pieces["order_pk"].to_numpy())
    if len(rows):
        values = payload_values(pieces["payload"])
    else:
        values = np.zeros((0, len(velocities)), np.int64)
    for position, velocity in enumerate(velocities):
        yield velocity.name, order_column(velocity, len(order_pk), rows, values[:, position])
