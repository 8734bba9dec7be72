"""The pieces of an order back into one row."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from features_pkg.array_types import Ints
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.engines.arrays.columns import best_of_each
from features_pkg.identifiers import IDENTIFIERS, Identifier
from features_pkg.shuffle.answer import flat_values, part_of
from features_pkg.shuffle.order_pieces import HEADER_PART, order_feature_columns


def assembled_schema(features: FeatureSet, passed: pa.Schema) -> pa.Schema:
    """`order_pk`, the columns passed on, and an int64 column per feature."""
    columns = [(name, pa.int64()) for name in features.names]
    return pa.schema([("order_pk", pa.int64()), *passed, *columns])


def assemble(table: pa.Table, features: FeatureSet, passed: pa.Schema) -> pa.Table:
    """One row (`assembled_schema`) per header in `table`, which has all pieces of its orders.

    Sorted by `order_pk`, so that the same input gives the same bytes.
    """
    heads = table.filter(pa.array(table["part"].to_numpy() == HEADER_PART)).sort_by("order_pk")
    order = heads["order_pk"].to_numpy()
    columns: dict[str, pa.Array] = {"order_pk": heads["order_pk"]}
    columns |= {name: heads[name] for name in passed.names}
    for identifier in IDENTIFIERS:
        columns |= dict(_columns(table, identifier, features, order))
    if len(order):
        values = flat_values(heads["payload"])
        columns |= dict(zip(features.order_features, order_feature_columns(values), strict=True))
    schema = assembled_schema(features, passed)
    if not len(order):
        return schema.empty_table()
    return pa.table([columns[name] for name in schema.names], schema=schema)


def _columns(
    table: pa.Table, identifier: Identifier, features: FeatureSet, order: Ints
) -> Iterator[tuple[str, pa.Array]]:
    mine = [v for v in features.velocities if v.identifier is identifier]
    pieces = part_of(table, identifier).sort_by("order_pk")
    rows = np.searchsorted(order, pieces["order_pk"].to_numpy())
    values = flat_values(pieces["payload"]) if len(rows) else np.zeros((0, len(mine)), np.int64)
    for place, velocity in enumerate(mine):
        at, best = rows, values[:, place]
        if identifier.several:
            at, best = best_of_each(velocity, rows, best)
        column = np.zeros(len(order), dtype=np.int64)
        null = np.ones(len(order), dtype=np.bool_)
        column[at] = best
        null[at] = best < 0 if velocity.measure.is_age else False
        yield velocity.name, pa.array(column, mask=null)
