"""When each merchant's history starts, as each load knew it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features_pkg.array_types import Ints, Mask

MERCHANT_STARTS: Final = pa.schema(
    [("merchant_id", pa.int64()), ("event_us", pa.int64()), ("recorded_key", pa.int64())]
)


def merchant_starts(orders: pa.Table) -> pa.Table:
    """The rows (`MERCHANT_STARTS`) of a batch that may be a merchant's first order for some load.

    A load knows only rows below its watermark. So an order may be a merchant's first one if no
    earlier order of the batch was recorded before it: by time, each new lowest recorded key.
    """
    columns = [orders[name].to_numpy() for name in MERCHANT_STARTS.names]
    may_be_first = _may_be_first(*columns)
    merchant, event_us, recorded_key = (column[may_be_first] for column in columns)
    by_time = np.lexsort((recorded_key, event_us, merchant))
    _, code = np.unique(merchant[by_time], return_inverse=True)
    known, rank = np.unique(recorded_key[by_time], return_inverse=True)
    # Each merchant's ranks are below those of all before it, so that the minimum begins anew.
    rank = rank - code * len(known)
    lowest = np.minimum.accumulate(rank)
    rows = by_time[np.concatenate(([True], rank[1:] < lowest[:-1]))[: len(rank)]]
    columns = [column[rows] for column in (merchant, event_us, recorded_key)]
    return pa.table(columns, schema=MERCHANT_STARTS)


def _may_be_first(merchant: Ints, event_us: Ints, recorded_key: Ints) -> Mask:
    """The few rows that are left to sort.

    After the first of the rows that were recorded first, no row of a merchant can be a first one.
    """
    code = pc.dictionary_encode(pa.array(merchant)).indices.to_numpy()
    lowest = np.full(code.max(initial=-1) + 1, np.iinfo(np.int64).max)
    np.minimum.at(lowest, code, recorded_key)
    is_lowest = recorded_key == lowest[code]
    first_us = np.full(len(lowest), np.iinfo(np.int64).max)
    np.minimum.at(first_us, code[is_lowest], event_us[is_lowest])
    return np.asarray(event_us <= first_us[code])


class MerchantStarts:
    """When all merchants' histories start, merged from the batches' `merchant_starts`."""

    def __init__(self, rows: Iterable[tuple[int, int, int]]) -> None:
        self._starts: dict[int, list[tuple[int, int]]] = {}
        for merchant_id, event_us, recorded_key in sorted(rows):
            self._starts.setdefault(merchant_id, []).append((event_us, recorded_key))

    def first_us(self, merchant_id: int, cutoff_us: int, watermark: int | None) -> int | None:
        """The merchant's first order before `cutoff_us`, of rows below `watermark` (None: all)."""
        for event_us, recorded_key in self._starts.get(merchant_id, ()):
            if event_us >= cutoff_us:
                return None
            if watermark is None or recorded_key < watermark:
                return event_us
        return None
