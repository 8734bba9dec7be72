"""The piece of an order that needs no other order: order features, and what is passed on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features_pkg.array_types import Ints
from features_pkg.calendar import Calendar
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.definitions.order_features import ORDER_FEATURES, VALUE_FEATURES
from features_pkg.shuffle.answer import PIECES, payloads
from features_pkg.shuffle.context_features import context_columns
from features_pkg.shuffle.merchant_starts import MerchantStarts
from features_pkg.shuffle.rows import ENTITY_KINDS

ORDER_PIECE: Final = len(ENTITY_KINDS)
"""The number of this piece, beside those of the identifiers."""

_NULL: Final = np.iinfo(np.int64).min


def order_piece_schema(extra_columns: pa.Schema) -> pa.Schema:
    """`PIECES` and the columns that an order's own piece passes on (null in all other pieces)."""
    return pa.schema([*PIECES, *extra_columns])


def order_pieces(
    batch: pa.Table,
    extra_columns: pa.Schema,
    features: FeatureSet,
    calendar: Calendar,
    starts: MerchantStarts,
) -> pa.Table:
    """The own piece of every order with a question in a batch: `KEYED_ROWS`, questions, extras.

    Without it an order that names nothing would have no row at all.
    """
    orders = batch.filter(batch["asked_us"].is_valid())
    columns_of_features = _values(orders, features.snapshot_lag, calendar, starts)
    values = np.stack(list(columns_of_features), axis=1)
    piece = pa.array(np.full(orders.num_rows, ORDER_PIECE), pa.int8())
    columns = [
        orders["order_pk"],
        piece,
        payloads(values),
        *(orders[n] for n in extra_columns.names),
    ]
    return pa.table(columns, schema=order_piece_schema(extra_columns))


def order_feature_columns(values: Ints) -> Iterator[pa.Array]:
    """The order features' columns out of the values of the orders' own pieces."""
    for position in range(len(ORDER_FEATURES)):
        column = values[:, position]
        yield pa.array(column, mask=column == _NULL)


def _values(
    orders: pa.Table, lag: timedelta, calendar: Calendar, starts: MerchantStarts
) -> Iterator[Ints]:
    """The column of each order feature; `_NULL` is null."""
    context = context_columns(orders, lag, calendar, starts)
    for name in ORDER_FEATURES:
        if name in VALUE_FEATURES:
            column = pc.fill_null(orders[name].cast(pa.int64()), _NULL).to_numpy()
        else:
            column = context[name]
        yield column
