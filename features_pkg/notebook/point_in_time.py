"""Every feature of every order, each at its own order's instant."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from features_pkg.array_types import Ints
from features_pkg.calendar import Calendar
from features_pkg.definitions.catalogue import CATALOGUE, refuse_duplicates, targets_of_timelines
from features_pkg.definitions.velocity import Measure, Velocity, parse_name
from features_pkg.engines.arrays import Asking, History, answer
from features_pkg.engines.arrays.columns import best_of_each
from features_pkg.errors import DefinitionError
from features_pkg.identifiers import IDENTIFIERS, Event, Identifier
from features_pkg.notebook.arrow_columns import arrow_columns
from features_pkg.notebook.order_table import OrderTable

HISTORY_DAYS = "merchant_history_days"
_MOST_THREADS = 4


def point_in_time(
    orders: Any,
    features: Iterable[Velocity | str] | None = None,
    *,
    timezone: str = "America/Sao_Paulo",
    snapshot_lag: timedelta = timedelta(hours=4),
) -> pa.Table:
    """What each feature was for each order at the order's own instant.

    Args:
        orders: a pandas, Polars or Arrow table, a row per order in any order: `order_id`,
            `merchant_id`, `event_at` (aware), the identifiers `user document email phone zip_code
            device ip card product` (values are taken as they stand; `product` may be a list; a
            column left out is null), `amount_cents` and `chargeback_at` (aware or null) where a
            feature looks at them. Other columns are not looked at.
        features: definitions or derived names, such as
            `"document_distinct_zip_code_orders_7d_recent"`, or `"merchant_history_days"`; None is
            the catalogue. A recent window may have any length here, `ever` included.
        timezone: whose civil days the distant past counts.
        snapshot_lag: how long after a day began its snapshot is used.

    Returns:
        An Arrow table in the input's order: `order_id` and an int64 column per feature, null where
        the order lacks the identifier (an age: or the entity was never seen).

    Raises:
        OrdersRefused: a missing column, a naive or missing instant, a repeated `order_id`, a
            chargeback before its order; the column and the row (from 0) are named.
        DefinitionError: a feature that is not one, or is there twice.
    """
    velocities, names = _read_features(features)
    if snapshot_lag < timedelta(0):
        raise ValueError(f"snapshot_lag {snapshot_lag} is negative: a snapshot is never early")
    table = OrderTable(arrow_columns(orders, _columns(velocities)))
    calendar = Calendar(timezone)
    asking = _Asking(table, velocities, Asking.by_rule(table.at_us, calendar, snapshot_lag))
    with ThreadPoolExecutor(min(_MOST_THREADS, os.cpu_count() or 1)) as threads:
        parts = list(threads.map(asking.columns_of, IDENTIFIERS))
    columns = {name: column for part in parts for name, column in part.items()}
    if HISTORY_DAYS in names:
        columns[HISTORY_DAYS] = _history_days(table, asking.asking)
    return pa.table({"order_id": table.order_id, **{name: columns[name] for name in names}})


def _read_features(
    features: Iterable[Velocity | str] | None,
) -> tuple[tuple[Velocity, ...], tuple[str, ...]]:
    if features is None:
        return CATALOGUE, tuple(velocity.name for velocity in CATALOGUE)
    if isinstance(features, str):
        raise DefinitionError(f"features {features!r}", "is one name: give a list of them")
    wanted = tuple(features)
    read = tuple(_read_feature(feature) for feature in wanted)
    velocities = tuple(feature for feature in read if isinstance(feature, Velocity))
    refuse_duplicates(velocities)
    names = tuple(f.name if isinstance(f, Velocity) else f for f in read)
    if names.count(HISTORY_DAYS) > 1:
        raise DefinitionError(HISTORY_DAYS, "stands there twice: leave one out")
    return velocities, names


def _read_feature(feature: object) -> Velocity | str:
    if isinstance(feature, Velocity):
        return feature
    if not isinstance(feature, str):
        raise DefinitionError(f"feature {feature!r}", "is neither a definition nor a name")
    return feature if feature == HISTORY_DAYS else parse_name(feature)


def _columns(velocities: Sequence[Velocity]) -> tuple[str, ...]:
    looks_at = {"order_id", "merchant_id", "event_at", "chargeback_at"}
    for velocity in velocities:
        looks_at.add(velocity.identifier)
        if velocity.target is not None:
            looks_at.add(velocity.target)
        if velocity.measure is Measure.AMOUNT:
            looks_at.add("amount_cents")
    return tuple(sorted(looks_at))


class _Asking:
    """The questions that a table of orders asks about itself."""

    def __init__(self, table: OrderTable, velocities: Sequence[Velocity], asking: Asking) -> None:
        self._table, self._velocities, self.asking = table, velocities, asking
        self._kept = targets_of_timelines(tuple(velocities))
        self._times = {Event.ORDER: np.unique(table.at_us)}
        if any(velocity.event is Event.CHARGEBACK for velocity in velocities):
            self._times[Event.CHARGEBACK] = np.unique(table.chargeback_us[1])
        self._amounts = any(velocity.measure is Measure.AMOUNT for velocity in velocities)

    def columns_of(self, identifier: Identifier) -> dict[str, pa.Array]:
        """The columns of the features of one identifier."""
        mine = [v for v in self._velocities if v.identifier is identifier]
        if not mine:
            return {}
        named = self._table.named(identifier)
        histories = {
            event: History(
                self._table.events(identifier, event, targets, amounts=self._amounts),
                self.asking.calendar,
                self._times[event],
            )
            for (kept, event), targets in self._kept.items()
            if kept is identifier
        }
        answers = answer(mine, histories, self.asking, named.row, named.code)
        return {
            velocity.name: self._column(velocity, named.row, values) for velocity, values in answers
        }

    def _column(self, velocity: Velocity, rows: Ints, values: Ints) -> pa.Array:
        if velocity.identifier.several:
            rows, values = best_of_each(velocity, rows, values)
        column = np.zeros(self._table.rows, dtype=np.int64)
        column[rows] = values
        known = np.zeros(self._table.rows, dtype=np.bool_)
        known[rows] = values >= 0 if velocity.measure.is_age else True
        valid = pa.py_buffer(np.packbits(known, bitorder="little"))
        return pa.Array.from_buffers(pa.int64(), len(column), [valid, pa.py_buffer(column)])


def _history_days(table: OrderTable, asking: Asking) -> pa.Array:
    first_us = np.full(int(table.merchant.max(initial=-1)) + 1, np.iinfo(np.int64).max)
    np.minimum.at(first_us, table.merchant, table.at_us)
    days = asking.as_of - asking.calendar.days_of(first_us)[table.merchant]
    return pa.array(np.maximum(days, 0))
