"""The orders of a demo: cut into a history to import and two days to send live."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features_pkg.calendar import DAY_US, Calendar, from_us, to_us
from features_pkg.identifiers import SINGLE_VALUED

LIVE_US: Final = 2 * DAY_US
INSTANT: Final = pa.timestamp("us", "UTC")
WEEK: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class LiveOrder:
    """An order to send at its own instant: the body of the request."""

    at_us: int
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class LiveChargeback:
    """A chargeback that becomes known while the demo runs."""

    at_us: int
    order_id: str


@dataclass(frozen=True, slots=True)
class DemoOrders:
    """Orders by Ontem's column names, in time order; `split_us` is where the live days begin."""

    table: pa.Table
    split_us: int
    end_us: int

    @classmethod
    def of(cls, table: pa.Table) -> DemoOrders:
        """The orders, the last two days of which are live."""
        table = table.sort_by("event_at")
        end_us = int(_us(table["event_at"])[-1])
        return cls(table, end_us - LIVE_US, end_us)

    def history(self) -> pa.Table:
        """What was known before the live days: later chargebacks are not."""
        old = self.table.filter(pa.array(_us(self.table["event_at"]) < self.split_us))
        place = old.column_names.index("chargeback_at")
        split = pa.scalar(from_us(self.split_us), INSTANT)
        known = pc.if_else(pc.less(old["chargeback_at"], split), old["chargeback_at"], None)
        return old.set_column(place, "chargeback_at", known)

    def live(self) -> Iterator[LiveOrder | LiveChargeback]:
        """What happens in the live days, in time order."""
        us = _us(self.table["event_at"])
        rows = self.table.filter(pa.array(us >= self.split_us)).to_pylist()
        happens: list[LiveOrder | LiveChargeback] = [
            LiveOrder(to_us(row["event_at"]), _body(row)) for row in rows
        ]
        back = pc.fill_null(self.table["chargeback_at"].cast(pa.int64()), -1).to_numpy()
        due = np.flatnonzero((back >= self.split_us) & (back <= self.end_us))
        for row in due.tolist():
            order_id = self.table["order_id"][row].as_py()
            happens.append(LiveChargeback(int(back[row]), order_id))
        yield from sorted(happens, key=lambda one: one.at_us)


def moved_to_now(table: pa.Table, now: datetime, timezone: str) -> pa.Table:
    """The orders with all times moved by the same whole number of weeks of local days.

    The last order ends up in the week before `now`; hours, weekdays and distances in days stay.
    """
    zone = ZoneInfo(timezone)
    last = from_us(int(_us(table["event_at"]).max())).astimezone(zone).replace(tzinfo=None)
    weeks = (now.astimezone(zone).replace(tzinfo=None) - last) // WEEK
    for name in ("event_at", "placed_at", "chargeback_at"):
        if name in table.column_names:
            moved = _moved(table[name], weeks * WEEK, Calendar(timezone), zone)
            table = table.set_column(table.column_names.index(name), name, moved)
    return table


def _moved(
    column: pa.ChunkedArray, shift: timedelta, calendar: Calendar, zone: ZoneInfo
) -> pa.Array:
    known = column.is_valid().to_numpy()
    us = pc.fill_null(column.cast(INSTANT).cast(pa.int64()), 0).to_numpy()
    local = us + calendar.offsets_us(us) + shift // timedelta(microseconds=1)
    minutes, place = np.unique(local // 60_000_000, return_inverse=True)
    offsets = [
        (from_us(int(m) * 60_000_000).replace(tzinfo=zone).utcoffset() or timedelta())
        // timedelta(microseconds=1)
        for m in minutes
    ]
    return pa.array(local - np.array(offsets, dtype=np.int64)[place], mask=~known).cast(INSTANT)


def _us(column: pa.ChunkedArray) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.asarray(column.cast(INSTANT).cast(pa.int64()).to_numpy())


def _body(row: dict[str, Any]) -> dict[str, Any]:
    """The request's body: the identifiers it has, its products as items."""
    scalars = {str(i): row[i] for i in SINGLE_VALUED if row.get(i) is not None}
    products = row.get("product") or ()
    items = row.get("items") or [
        {"product": product, "quantity": 1, "amount_cents": row["amount_cents"] // len(products)}
        for product in products
    ]
    return {
        "order_id": row["order_id"],
        "amount_cents": row["amount_cents"],
        "placed_at": row["event_at"].isoformat(),
        **scalars,
        "items": items,
    }
