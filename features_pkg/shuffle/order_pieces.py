"""The piece of an order that needs no other order: order features, and what is passed on."""

from __future__ import annotations

import pyarrow as pa

from features_pkg.calendar import Calendar
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.definitions.order_features import ORDER_FEATURES, VALUE_FEATURES
from features_pkg.shuffle.context_features import context_columns
from features_pkg.shuffle.merchant_starts import MerchantStarts


def order_pieces(
    batch: pa.Table,
    extra_columns: pa.Schema,
    features: FeatureSet,
    calendar: Calendar,
    starts: MerchantStarts,
) -> pa.Table:
    """`order_pk`, extras and order features of every order with a question in a batch.

    A batch has `KEYED_ROWS`, questions and extras. Without its own piece an order that names
    nothing would have no row at all.
    """
    orders = batch.filter(batch["asked_us"].is_valid())
    context = context_columns(orders, features.snapshot_lag, calendar, starts)
    columns = {name: orders[name] for name in ("order_pk", *extra_columns.names)}
    for name in ORDER_FEATURES:
        is_of_values = name in VALUE_FEATURES
        columns[name] = orders[name].cast(pa.int64()) if is_of_values else pa.array(context[name])
    return pa.table(columns)
