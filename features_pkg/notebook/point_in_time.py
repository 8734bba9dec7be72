"""Every feature of every order, each at its own order's instant."""

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from features_pkg.calendar import Calendar
from features_pkg.definitions.derived import (
    AMOUNT_CENTS,
    Feature,
    feature_name,
)
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.definitions.missing import HISTORY_DAYS
from features_pkg.engines.arrays import Questions, answer
from features_pkg.engines.arrays.columns import derived_columns, order_column
from features_pkg.history.different import different
from features_pkg.history.sorted_events import SortedEvents
from features_pkg.identifiers import IDENTIFIERS, Event, Identifier
from features_pkg.measures import MEASURES
from features_pkg.notebook.asked_features import read_features
from features_pkg.notebook.order_table import OrderTable
from features_pkg.orders.columns.tables import plain_columns

_MOST_THREADS = 4


def point_in_time(
    orders: Any,
    features: Iterable[Feature] | None = None,
    *,
    timezone: str = "America/Sao_Paulo",
    snapshot_lag: timedelta = timedelta(hours=4),
) -> pa.Table:
    """What each feature was for each order at the order's own instant.

    Args:
        orders: a pandas, Polars or Arrow table, a row per order, sorted or not: `order_id`,
            `merchant_id`, `event_at` (aware), a column per identifier (see
            `features_pkg.identifiers`; values are compared as they are, so `normalise` them first;
            `product` may be a list; a column left out is null), and `amount_cents` and
            `chargeback_at` (aware or null) where a feature reads them. Other columns are ignored.
        features: definitions or names, such as `"document_distinct_zip_code_orders_7d_recent"`,
            `"amount_to_card_mean_amount_30d_distant"`, or an order feature that is an amount or a
            count, such as `"merchant_history_days"`; None is the catalogue without order features.
            A recent window may have any length here, `ever` included. What a derived feature
            reads need not be named.
        timezone: the zone of the civil days that the distant past counts.
        snapshot_lag: how long after the start of a day its snapshot begins to be used.

    Returns:
        An Arrow table in the input's order: `order_id` and an int64 column per feature, null where
        the order lacks the identifier; an age also where the entity was never seen. A derived
        feature is float64, null where it reads a null or divides by 0.

    Raises:
        OrdersRefused: a missing column, a naive or missing instant, a repeated `order_id`, a
            chargeback before its order; the column and the row (from 0) are named.
        DefinitionError: a feature that is not one, or that appears twice.

    >>> from datetime import UTC, datetime
    >>> import pyarrow as pa
    >>> orders = pa.table(
    ...     {
    ...         "order_id": ["a", "b", "c"],
    ...         "merchant_id": ["shop", "shop", "shop"],
    ...         "event_at": [datetime(2026, 3, day, 12, tzinfo=UTC) for day in (1, 8, 8)],
    ...         "card": ["tok_1", "tok_1", None],
    ...     }
    ... )
    >>> features = ["card_orders_7d_recent", "card_first_order_age_seconds"]
    >>> table = point_in_time(orders, features)
    >>> table["card_orders_7d_recent"].to_pylist()
    [0, 1, None]
    >>> table["card_first_order_age_seconds"].to_pylist()
    [None, 604800, None]
    """
    asked = read_features(features)
    if snapshot_lag < timedelta(0):
        raise ValueError(f"snapshot_lag {snapshot_lag} is negative: a snapshot is never early")
    table = OrderTable(plain_columns(orders, asked.column_names))
    order_questions = _OrderQuestions(
        table, FeatureSet(timezone, snapshot_lag, asked.velocities, derived=())
    )
    with ThreadPoolExecutor(min(_MOST_THREADS, os.cpu_count() or 1)) as threads:
        by_identifier = list(threads.map(order_questions.columns_of, IDENTIFIERS))
    columns = {name: column for part in by_identifier for name, column in part.items()}
    for name in asked.order_features:
        columns[name] = _order_feature(name, table, order_questions.questions)
    columns |= derived_columns(asked.derived, columns)
    named = {feature_name(each): columns[feature_name(each)] for each in asked.features}
    return pa.table({"order_id": table.order_id, **named})


class _OrderQuestions:
    """A question about each order of a table, answered from the other orders of the table."""

    def __init__(self, table: OrderTable, features: FeatureSet) -> None:
        self._table, self._features = table, features
        calendar = Calendar(features.timezone)
        self.questions = Questions.by_rule(table.at_us, calendar, features.snapshot_lag)
        self._times = {Event.ORDER: different(table.at_us)}
        if any(velocity.event is Event.CHARGEBACK for velocity in features.velocities):
            self._times[Event.CHARGEBACK] = different(table.chargeback_us[1])
        self._amounts = any(MEASURES[v.measure].reads_amounts for v in features.velocities)

    def columns_of(self, identifier: Identifier) -> dict[str, pa.Array]:
        """The columns of the features of one identifier."""
        velocities = self._features.velocities_of(identifier)
        if not velocities:
            return {}
        entities = self._table.entities(identifier)
        history = {
            event: SortedEvents(
                self._table.events(identifier, event, targets, amounts=self._amounts),
                self.questions.calendar,
                self._times[event],
            )
            for event, targets in self._features.targets_by_event(identifier).items()
        }
        answers = answer(velocities, history, self.questions, entities.row, entities.code)
        return {
            velocity.name: order_column(velocity, self._table.rows, entities.row, values)
            for velocity, values in answers
        }


def _order_feature(name: str, table: OrderTable, questions: Questions) -> pa.Array:
    """The column of one of `NUMERIC_ORDER_FEATURES`."""
    if name == HISTORY_DAYS:
        return _history_days(table, questions)
    if name == AMOUNT_CENTS:
        return pa.array(table.amount_cents)
    products = table.entities(Identifier.PRODUCT)
    return pa.array(np.bincount(products.row, minlength=table.rows))


def _history_days(table: OrderTable, questions: Questions) -> pa.Array:
    """Days from the day of the merchant's first order to the due day of each question."""
    first_us = np.full(int(table.merchant.max(initial=-1)) + 1, np.iinfo(np.int64).max)
    np.minimum.at(first_us, table.merchant, table.at_us)
    days = questions.as_of - questions.calendar.days_of(first_us)[table.merchant]
    return pa.array(np.maximum(days, 0))
