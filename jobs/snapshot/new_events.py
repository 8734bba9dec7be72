"""Which events one snapshot has and an earlier one does not, found out without Spark.

Nobody needs to look at most files for that: each extraction says what was recorded in it, and the
list of its files has the bounds of their days and orders.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features_pkg.array_types import Ints, Mask
from features_pkg.calendar import to_us
from jobs.extract.facts import EventsFacts, Extractions
from jobs.extract.reading import read_checked, read_part
from jobs.extract.rows import CHARGEBACK, ORDER
from jobs.snapshot.between import Between, Chargebacks
from jobs.snapshot.errors import FullBuildNeeded
from jobs.watermark import ReadBounds
from stores.offline.files import Files
from stores.offline.runs import DataFile

COLUMNS: Final = ("kind", "order_pk", "event_at", "recorded_key")
_NONE: Final = np.zeros(0, np.int64)
MOST_CHARGED: Final = 500_000
"""The most orders with a new chargeback that are merged: all of these chargebacks are in memory, of
the driver and of each worker, at 24 bytes each."""


@dataclass(frozen=True, slots=True)
class NewEvents:
    """How many orders and first chargebacks are new, and where to read the orders they are of.

    `chargebacks` has all of each order that has a new first one.
    """

    orders: int
    first_chargebacks: int
    chargebacks: Chargebacks
    files: tuple[DataFile, ...]

    @property
    def number(self) -> int:
        """How many events are new."""
        return self.orders + self.first_chargebacks


def rows_between(earlier: ReadBounds, later: ReadBounds) -> Between:
    """What the later one has more."""
    return Between(
        to_us(earlier.cutoff), earlier.watermark_key, to_us(later.cutoff), later.watermark_key
    )


def find_new_events(
    files: Files, extracted: Extractions, between: Between, *, threads: int
) -> NewEvents:
    """The new events of these extractions.

    Raises FullBuildNeeded where a state can't be gone on from, EventsDamaged, EventsMissing.
    """
    candidates = [
        file
        for revision in extracted.revisions
        for file in revision.files
        if _can_have_new(between, revision.facts, file)
    ]
    with ThreadPoolExecutor(threads) as pool:
        found = list(pool.map(partial(_new_rows, files, between), candidates))
        charged = np.unique(np.concatenate([_NONE, *(pks for _, pks in found)]))
        if len(charged) > MOST_CHARGED:
            raise FullBuildNeeded(reason=f"more than {MOST_CHARGED:,} orders have a new chargeback")
        looked_at = list(_with_orders(extracted, charged))
        known = list(pool.map(partial(_known_rows, files, between, charged), looked_at))
    chargebacks = Chargebacks.sorted(part for _, part in known)
    first = chargebacks.where(chargebacks.is_first)
    is_new = between.is_new(first.at_us, first.recorded_key)
    chargebacks = chargebacks.where(np.isin(chargebacks.order_pk, first.order_pk[is_new]))
    _check_moved(between, chargebacks)
    of_new = {file.key for file, (orders, _) in zip(candidates, found, strict=True) if orders}
    of_charged = {
        file.key
        for file, (pks, _) in zip(looked_at, known, strict=True)
        if np.isin(pks, chargebacks.order_pk).any()
    }
    return NewEvents(
        orders=sum(orders for orders, _ in found),
        first_chargebacks=int(is_new.sum()),
        chargebacks=chargebacks,
        files=tuple(file for file in extracted.files if file.key in of_new | of_charged),
    )


def _can_have_new(between: Between, facts: EventsFacts, file: DataFile) -> bool:
    """Whether a file of an extraction may have a new row."""
    if facts.from_key is not None and facts.from_key >= between.later_key:
        return False
    if facts.to_key > between.earlier_key:
        return True
    days = file.bounds_of("event_at")
    return days is None or int(days.highest) >= between.earlier_us


def _new_rows(files: Files, between: Between, file: DataFile) -> tuple[int, Ints]:
    """How many new orders a file has, and the orders of its new chargebacks."""
    rows = _Rows.of(read_checked(files, file, COLUMNS))
    is_new = between.is_new(rows.at_us, rows.recorded_key)
    return int((is_new & rows.is_order).sum()), rows.order_pk[is_new & rows.is_chargeback]


def _known_rows(
    files: Files, between: Between, charged: Ints, file: DataFile
) -> tuple[Ints, Chargebacks]:
    """Which of the orders `charged` are in a file, and all counted chargebacks of them."""
    rows = _Rows.of(read_part(files, file, COLUMNS))
    is_charged = np.isin(rows.order_pk, charged)
    is_counted = between.is_counted(rows.at_us, rows.recorded_key)
    chargebacks = Chargebacks(rows.order_pk, rows.at_us, rows.recorded_key)
    return (
        rows.order_pk[is_charged & rows.is_order],
        chargebacks.where(is_charged & rows.is_chargeback & is_counted),
    )


def _check_moved(between: Between, chargebacks: Chargebacks) -> None:
    """Refuse new first chargebacks of orders that had another first one.

    What was a first one becomes a repeated one, and no state can take that back.
    """
    is_old = ~between.is_new(chargebacks.at_us, chargebacks.recorded_key)
    if is_old.any():
        moved = len(np.unique(chargebacks.order_pk[is_old]))
        raise FullBuildNeeded(
            reason=f"a chargeback from before the one that was known came of {moved:,} orders"
        )


def _with_orders(extracted: Extractions, order_pks: Ints) -> Iterator[DataFile]:
    """The files that may have rows of these orders, which are sorted."""
    for file in extracted.files:
        bounds = file.bounds_of("order_pk")
        span = len(order_pks)
        if bounds is not None:
            ends = np.array([int(bounds.lowest), int(bounds.highest) + 1])
            span = int(np.diff(np.searchsorted(order_pks, ends))[0])
        if span:
            yield file


@dataclass(frozen=True, slots=True)
class _Rows:
    """`COLUMNS` as arrays."""

    is_order: Mask
    is_chargeback: Mask
    order_pk: Ints
    at_us: Ints
    recorded_key: Ints

    @classmethod
    def of(cls, table: pa.Table) -> "_Rows":
        return cls(
            pc.equal(table["kind"], ORDER).to_numpy(),
            pc.equal(table["kind"], CHARGEBACK).to_numpy(),
            table["order_pk"].to_numpy(),
            table["event_at"].cast(pa.int64()).to_numpy(),
            table["recorded_key"].to_numpy(),
        )
