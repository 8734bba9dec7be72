"""The first event of each merchant, as each load knew it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
import pyarrow as pa

FIRSTS: Final = pa.schema(
    [("merchant_id", pa.int64()), ("event_us", pa.int64()), ("recorded_key", pa.int64())]
)


def first_events(orders: pa.Table) -> pa.Table:
    """Of a batch of order rows those (`FIRSTS`) that could be their merchant's first to somebody.

    They are the rows before which nothing both happened and was recorded.
    """
    columns = [orders[name].to_numpy() for name in FIRSTS.names]
    merchant, event_us, recorded_key = columns
    order = np.lexsort((recorded_key, event_us, merchant))
    lowest: dict[int, int] = {}
    kept = []
    for row in order.tolist():
        known = lowest.get(int(merchant[row]))
        if known is None or recorded_key[row] < known:
            lowest[int(merchant[row])] = int(recorded_key[row])
            kept.append(row)
    return pa.table([column[kept] for column in columns], schema=FIRSTS)


class FirstEvents:
    """The first events of all merchants, merged from the batches' `first_events`."""

    def __init__(self, rows: Iterable[tuple[int, int, int]]) -> None:
        self._rows: dict[int, list[tuple[int, int]]] = {}
        for merchant_id, event_us, recorded_key in sorted(rows):
            self._rows.setdefault(merchant_id, []).append((event_us, recorded_key))

    def first_us(self, merchant_id: int, cutoff_us: int, watermark: int | None) -> int | None:
        """The merchant's first event before `cutoff_us`, of keys below `watermark` (None: all)."""
        for event_us, recorded_key in self._rows.get(merchant_id, ()):
            if event_us >= cutoff_us:
                return None
            if watermark is None or recorded_key < watermark:
                return event_us
        return None
