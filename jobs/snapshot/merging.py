"""What workers do of a delta: new events out of files, and then a range of keys with its states."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features_pkg.calendar import Calendar
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.errors import StateUnreadable
from features_pkg.identifiers import IDENTIFIERS, MERCHANT
from features_pkg.shuffle import (
    STORED_STATES,
    RowKind,
    explode,
    keys_of_words,
    merged_timelines,
    newest_rows,
    partial_states,
    words_of_rows,
)
from jobs.extract.reading import read_checked
from jobs.extract.rows import ORDER
from jobs.parts import ORDERS_OF_A_BATCH
from jobs.snapshot.activity import INSTANTS, last_days
from jobs.snapshot.between import Between, Chargebacks
from jobs.snapshot.errors import SnapshotDamaged
from jobs.snapshot.part_files import ends_of_part, write_part
from jobs.snapshot.stored_rows import all_stored, newest_stored
from jobs.snapshot.written_range import WrittenRange
from stores.offline.errors import FileMissing
from stores.offline.files import Files
from stores.offline.runs import DataFile

_COLUMNS: Final = (
    "kind", "order_pk", "merchant_id", "event_at", "recorded_key", "amount_cents", MERCHANT,
    *IDENTIFIERS,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class MergeTask:
    """A delta that is made: every worker gets this.

    `links` has the files of each link of the chain, newest first. With `is_whole` the rows of all
    entities are written, and not only of those that have a new event.
    """

    files: Files
    folder: str
    as_of: date
    features: FeatureSet
    between: Between
    chargebacks: Chargebacks
    events: tuple[DataFile, ...]
    links: tuple[tuple[DataFile, ...], ...]
    parts: int
    is_whole: bool


def new_states(task: MergeTask, files: Iterable[DataFile]) -> Iterator[pa.Table]:
    """The states (`STATE_ROWS`) of the new events of orders in some files of `events`, by batch.

    Nearly every file has some of the few orders that were charged back: those of all files are
    brought together. They are apart from new orders, as a batch tells each merchant's first one.
    Raises EventsDamaged, EventsMissing.
    """
    of_new, of_charged = _Orders(), _Orders()
    for file in files:
        new, charged = _new_orders(task, file)
        for waiting, orders in ((of_new, new), (of_charged, charged)):
            waiting.add(orders)
            if waiting.rows >= ORDERS_OF_A_BATCH:
                yield from _states(task, waiting)
    for waiting in (of_new, of_charged):
        yield from _states(task, waiting)


def merge_range(task: MergeTask, part: int, rows: pa.Table) -> WrittenRange:
    """Write what becomes of a range, of which `rows` (`STATE_ROWS`) has all that is new."""
    try:
        return _merge(task, part, rows)
    except (SnapshotDamaged, StateUnreadable, FileMissing) as error:
        return WrittenRange(damage=error.problem)


class _Orders:
    """Orders of some files that wait for others."""

    def __init__(self) -> None:
        self._tables: list[pa.Table] = []
        self.rows = 0

    def add(self, orders: pa.Table) -> None:
        """Let these wait, too."""
        if orders.num_rows:
            self._tables.append(orders)
            self.rows += orders.num_rows

    def batches(self) -> Iterator[pa.Table]:
        """All of them by batch; none waits any more."""
        tables, self._tables, self.rows = self._tables, [], 0
        if tables:
            orders = pa.concat_tables(tables)
            for start in range(0, orders.num_rows, ORDERS_OF_A_BATCH):
                yield orders.slice(start, ORDERS_OF_A_BATCH)


def _new_orders(task: MergeTask, file: DataFile) -> tuple[pa.Table, pa.Table]:
    """The new orders of a file, and those before them that have a new first chargeback."""
    table = read_checked(task.files, file, _COLUMNS)
    pk, at_us = table["order_pk"].to_numpy(), table["event_at"].cast(pa.int64()).to_numpy()
    key = table["recorded_key"].to_numpy()
    is_order = pc.equal(table["kind"], ORDER).to_numpy()
    is_new = task.between.is_new(at_us, key)
    is_charged = np.isin(pk, task.chargebacks.order_pk) & task.between.is_counted(at_us, key)
    table = table.append_column("event_us", pa.array(at_us))
    new, charged = (
        table.filter(pa.array(is_order & rows)) for rows in (is_new, is_charged & ~is_new)
    )
    return new, charged


def _states(task: MergeTask, orders: _Orders) -> Iterator[pa.Table]:
    """The states of the new events of all that wait."""
    targets, calendar = task.features.timeline_targets, Calendar(task.features.timezone)
    for batch in orders.batches():
        rows = explode(_with_chargebacks(batch, task.chargebacks), targets)
        at_us, key = rows["at_us"].to_numpy(), rows["recorded_key"].to_numpy()
        is_event = rows["kind"].to_numpy() != RowKind.REPEATED_CHARGEBACK
        rows = rows.filter(pa.array(is_event & task.between.is_new(at_us, key)))
        yield partial_states(rows, task.features, calendar)


def _with_chargebacks(orders: pa.Table, chargebacks: Chargebacks) -> pa.Table:
    """The orders with the lists `chargeback_us` and `chargeback_key`, empty where there is none."""
    pk = orders["order_pk"].to_numpy()
    start = np.searchsorted(chargebacks.order_pk, pk, side="left")
    length = np.searchsorted(chargebacks.order_pk, pk, side="right") - start
    ends = np.concatenate(([0], np.cumsum(length)))
    rows = np.repeat(start - ends[:-1], length) + np.arange(ends[-1])
    columns = (chargebacks.at_us, chargebacks.recorded_key)
    for name, column in zip(("chargeback_us", "chargeback_key"), columns, strict=True):
        lists = pa.ListArray.from_arrays(pa.array(ends, pa.int32()), pa.array(column[rows]))
        orders = orders.append_column(name, lists)
    return orders


def _merge(task: MergeTask, part: int, rows: pa.Table) -> WrittenRange:
    calendar = Calendar(task.features.timezone)
    keys, columns = keys_of_words(words_of_rows(rows)), (*STORED_STATES.names, *INSTANTS)
    stored = newest_stored(task.files, task.links, keys, columns)
    states = STORED_STATES.empty_table() if stored is None else stored.select(STORED_STATES.names)
    merged = merged_timelines(states.cast(STORED_STATES), rows, task.features, calendar)
    days = last_days(merged, calendar)
    if stored is not None:
        days.subtract(last_days(stored, calendar))
    newcomers = merged.num_rows - states.num_rows
    if task.is_whole:
        merged = _whole(task, part, merged)
    if not merged.num_rows:
        return WrittenRange()
    file = write_part(task.files, task.folder, task.as_of, merged)
    return WrittenRange(file=file, newcomers=newcomers, days=days)


def _whole(task: MergeTask, part: int, merged: pa.Table) -> pa.Table:
    """The rows of all entities of a range: the merged ones, else the newest that are stored."""
    links, ends = [merged], ends_of_part(part, task.parts)
    for link in task.links:
        for file in link:
            links += list(all_stored(task.files, file, ends, merged.schema))
    return newest_rows(links)
