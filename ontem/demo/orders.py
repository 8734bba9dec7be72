"""The orders of a demo: a history to import, and two days to send live."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features_pkg.array_types import Ints
from features_pkg.calendar import DAY_US, MICROSECOND, Calendar, from_us, to_us
from features_pkg.identifiers import SINGLE_VALUED
from ontem.generating.generate import INSTANT

LIVE_US: Final = 2 * DAY_US
MINUTE_US: Final = 60_000_000
WEEK: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class LiveOrder:
    """An order to send at its own instant: the body of its request."""

    at_us: int
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class LiveChargeback:
    """A chargeback that becomes known in the live days."""

    at_us: int
    order_id: str


@dataclass(frozen=True, slots=True)
class DemoOrders:
    """Orders by Ontem's column names, in time order; the live days begin at `split_us`."""

    table: pa.Table
    split_us: int
    end_us: int

    @classmethod
    def of(cls, table: pa.Table) -> DemoOrders:
        """The orders of a table, of which those of the last two days are live."""
        table = table.sort_by("event_at")
        end_us = int(_us(table["event_at"])[-1])
        return cls(table, end_us - LIVE_US, end_us)

    def history(self) -> pa.Table:
        """The orders before the live days, with the chargebacks that were known by then."""
        old = self.table.filter(pa.array(_us(self.table["event_at"]) < self.split_us))
        position = old.column_names.index("chargeback_at")
        split = pa.scalar(from_us(self.split_us), INSTANT)
        known = pc.if_else(pc.less(old["chargeback_at"], split), old["chargeback_at"], None)
        return old.set_column(position, "chargeback_at", known)

    def live(self) -> Iterator[LiveOrder | LiveChargeback]:
        """What happens in the live days, in time order."""
        us = _us(self.table["event_at"])
        rows = self.table.filter(pa.array(us >= self.split_us)).to_pylist()
        events: list[LiveOrder | LiveChargeback] = [
            LiveOrder(to_us(row["event_at"]), _body(row)) for row in rows
        ]
        known_us = pc.fill_null(self.table["chargeback_at"].cast(pa.int64()), -1).to_numpy()
        is_live = (known_us >= self.split_us) & (known_us <= self.end_us)
        for row in np.flatnonzero(is_live).tolist():
            order_id = self.table["order_id"][row].as_py()
            events.append(LiveChargeback(int(known_us[row]), order_id))
        yield from sorted(events, key=lambda event: event.at_us)


def moved_to(table: pa.Table, end: datetime, timezone: str) -> pa.Table:
    """The orders with all times moved by the same number of whole weeks on the local clock.

    The last order is then within the week before `end`. Hours and weekdays stay as they were.
    """
    zone = ZoneInfo(timezone)
    last = from_us(int(_us(table["event_at"]).max())).astimezone(zone).replace(tzinfo=None)
    weeks = (end.astimezone(zone).replace(tzinfo=None) - last) // WEEK
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
    # The zone is asked for its offset once per minute of the local clock, not once per order.
    local = us + calendar.offsets_us(us) + shift // MICROSECOND
    minutes, position = np.unique(local // MINUTE_US, return_inverse=True)
    offsets = [
        (from_us(int(minute) * MINUTE_US).replace(tzinfo=zone).utcoffset() or timedelta())
        // MICROSECOND
        for minute in minutes
    ]
    return pa.array(local - np.array(offsets, dtype=np.int64)[position], mask=~known).cast(INSTANT)


def _us(column: pa.ChunkedArray) -> Ints:
    return np.asarray(column.cast(INSTANT).cast(pa.int64()).to_numpy())


def _body(row: dict[str, Any]) -> dict[str, Any]:
    """The body of the request: the order's identifiers, and its products as items."""
    identifiers = {str(i): row[i] for i in SINGLE_VALUED if row.get(i) is not None}
    products = row.get("product") or ()
    items = row.get("items") or [
        {"product": product, "quantity": 1, "amount_cents": row["amount_cents"] // len(products)}
        for product in products
    ]
    return {
        "order_id": row["order_id"],
        "amount_cents": row["amount_cents"],
        "placed_at": row["event_at"].isoformat(),
        **identifiers,
        "items": items,
    }
