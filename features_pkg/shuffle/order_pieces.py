"""One piece per asking order that needs no other order: order features, and what is passed on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any, Final

import numpy as np
import pyarrow as pa

from features_pkg.calendar import Calendar
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.definitions.order_features import ORDER_FEATURES, Asked, order_feature_values
from features_pkg.identifiers import IDENTIFIERS
from features_pkg.orders.order import Order
from features_pkg.shuffle.answer import PIECES, payloads
from features_pkg.shuffle.merchant_starts import FirstEvents
from features_pkg.shuffle.rows import PARTS

HEADER_PART: Final = len(PARTS)
_NULL: Final = np.iinfo(np.int64).min


def header_schema(passed: pa.Schema) -> pa.Schema:
    """`PIECES` and the columns that a header passes on (null in every other piece)."""
    return pa.schema([*PIECES, *passed])


def headers(
    batch: pa.Table,
    passed: pa.Schema,
    features: FeatureSet,
    calendar: Calendar,
    firsts: FirstEvents,
) -> pa.Table:
    """The header piece of every asking order in a batch (`ORDER_ROWS` with questions and `passed`).

    Without it an order that names nothing would have no row at all.
    """
    asking = batch.filter(batch["asked_us"].is_valid())
    rows = _values(asking, features.snapshot_lag, calendar, firsts)
    values = np.array(list(rows), dtype=np.int64)
    values = values.reshape(asking.num_rows, len(ORDER_FEATURES))
    part = pa.array(np.full(asking.num_rows, HEADER_PART), pa.int8())
    columns = [asking["order_pk"], part, payloads(values), *(asking[n] for n in passed.names)]
    return pa.table(columns, schema=header_schema(passed))


def order_feature_columns(values: np.ndarray[Any, np.dtype[np.int64]]) -> Iterator[pa.Array]:
    """The order features' columns out of the headers' values."""
    for place in range(len(ORDER_FEATURES)):
        column = values[:, place]
        yield pa.array(column, mask=column == _NULL)


def _values(
    asking: pa.Table, lag: timedelta, calendar: Calendar, firsts: FirstEvents
) -> Iterator[Sequence[int]]:
    for row in asking.to_pylist():
        cutoff_us, seen = calendar.cutoff_us(row["as_of"]), row["visible"]
        first_us = firsts.first_us(row["merchant_id"], cutoff_us, seen[0] if seen else None)
        due_day = calendar.as_of(row["asked_us"], lag)
        history_days = 0 if first_us is None else due_day - calendar.day_of(first_us)
        asked = Asked(_order(row), calendar.local(row["asked_us"]), history_days)
        yield [_NULL if value is None else value for value in order_feature_values(asked)]


def _order(row: dict[str, Any]) -> Order:
    scalars = {str(name): row[name] for name in IDENTIFIERS if not name.several}
    return Order(
        order_id=row["order_id"],
        amount_cents=row["amount_cents"],
        product=tuple(dict.fromkeys(row["product"] or ())),
        **scalars,
    )
