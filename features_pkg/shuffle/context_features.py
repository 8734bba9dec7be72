"""Order features of the amount, the instant and the merchant, by column."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import numpy as np
import pyarrow as pa

from features_pkg.array_types import Ints
from features_pkg.calendar import DAY_US, EPOCH_DAY, HOUR_US, Calendar
from features_pkg.chunked import list_column
from features_pkg.shuffle.merchant_starts import MerchantStarts

_ALL_KEYS: Final = np.iinfo(np.int64).max


def context_columns(
    orders: pa.Table, lag: timedelta, calendar: Calendar, starts: MerchantStarts
) -> Mapping[str, Ints]:
    """What `CONTEXT_FEATURES` says of each order: `KEYED_ROWS` with questions."""
    asked_us = orders["asked_us"].to_numpy()
    local_us = asked_us + calendar.offsets_us(asked_us)
    return {
        "amount_cents": orders["amount_cents"].to_numpy(),
        "local_hour": local_us // HOUR_US % 24,
        # Ordinals begin with a Monday, day 1.
        "local_weekday": (local_us // DAY_US + EPOCH_DAY - 1) % 7,
        "merchant_history_days": _history_days(orders, lag, calendar, starts),
    }


def _history_days(
    orders: pa.Table, lag: timedelta, calendar: Calendar, starts: MerchantStarts
) -> Ints:
    """Looked up once for each different merchant, snapshot day and watermark."""
    columns = (
        orders["merchant_id"].to_numpy(),
        orders["as_of"].to_numpy().astype(np.int64),
        _watermarks(orders["visible"]),
    )
    different, of_row = np.unique(np.stack(columns, axis=1), axis=0, return_inverse=True)
    first_days = []
    for merchant_id, as_of, watermark in different.tolist():
        cutoff_us = calendar.cutoff_us(as_of)
        first_us = starts.first_us(merchant_id, cutoff_us, watermark)
        first_days.append(0 if first_us is None else calendar.day_of(first_us))
    first_day = np.array(first_days, dtype=np.int64)[of_row.reshape(-1)]
    due_day = calendar.due_days(orders["asked_us"].to_numpy(), lag)
    return np.where(first_day > 0, due_day - first_day, 0)


def _watermarks(visible: pa.ChunkedArray) -> Ints:
    """The watermark of each question's load; one asked by the rule sees all keys."""
    lengths, keys = list_column(visible)
    watermarks = np.full(len(lengths), _ALL_KEYS)
    start = np.cumsum(lengths) - lengths
    watermarks[lengths > 0] = keys[start[lengths > 0]]
    return watermarks
