"""The piece of an order that needs no other order: order features, and what is passed on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Final

import numpy as np
import pyarrow as pa

from features_pkg.array_types import Ints
from features_pkg.calendar import Calendar
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.definitions.order_features import (
    CONTEXT_FEATURES,
    ORDER_FEATURES,
    VALUE_FEATURES,
    OrderContext,
)
from features_pkg.orders.order import Order
from features_pkg.shuffle.answer import PIECES, payloads
from features_pkg.shuffle.merchant_starts import MerchantStarts
from features_pkg.shuffle.rows import ENTITY_KINDS, QUESTION_FIELDS

ORDER_PIECE: Final = len(ENTITY_KINDS)
"""The number of this piece, beside those of the identifiers."""

_CONTEXT_COLUMNS: Final = (
    "order_id",
    "merchant_id",
    "amount_cents",
    *(field.name for field in QUESTION_FIELDS),
)
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
    rows = _values(orders, features.snapshot_lag, calendar, starts)
    values = np.array(list(rows), dtype=np.int64).reshape(orders.num_rows, len(ORDER_FEATURES))
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
) -> Iterator[Sequence[int]]:
    names = [*_CONTEXT_COLUMNS, *VALUE_FEATURES]
    for row in orders.select(names).to_pylist():
        cutoff_us, visible = calendar.cutoff_us(row["as_of"]), row["visible"]
        watermark = visible[0] if visible else None
        first_us = starts.first_us(row["merchant_id"], cutoff_us, watermark)
        due_day = calendar.due_day(row["asked_us"], lag)
        history_days = 0 if first_us is None else due_day - calendar.day_of(first_us)
        order = Order(order_id=row["order_id"], amount_cents=row["amount_cents"])
        context = OrderContext(order, calendar.local(row["asked_us"]), history_days)
        row |= {name: function(context) for name, function in CONTEXT_FEATURES.items()}
        yield [_NULL if (value := row[name]) is None else value for name in ORDER_FEATURES]
