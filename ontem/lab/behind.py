"""Which orders are behind the value of a velocity for one order, as that order could see them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features_pkg.array_types import Ints, Mask
from features_pkg.calendar import Calendar
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.definitions.velocity import Past, Velocity
from features_pkg.engines.arrays.questions import Questions, edges
from features_pkg.identifiers import Event
from jobs.training_set.questions import questions_of
from ontem.lab.values import PastOrders, by_rule

MOST_IDS: Final = 10
_BOUNDS: Final = 3
"""How many bounds `visible` has before what was in flight."""


@dataclass(frozen=True, slots=True)
class OrdersBehind:
    """The ids of the newest orders behind a value, and how many there are in all."""

    velocity: str
    order_ids: tuple[str, ...]
    count: int


@dataclass(frozen=True, slots=True)
class KeysBehind:
    """The keys of the newest orders behind a value, and how many there are in all."""

    velocity: str
    order_pk: Ints
    count: int

    def named(self, order_ids: Mapping[int, str]) -> OrdersBehind:
        """The same with the orders' ids."""
        ids = tuple(order_ids[key] for key in self.order_pk.tolist())
        return OrdersBehind(self.velocity, ids, self.count)


def orders_behind(
    velocity: Velocity, past: PastOrders, features: FeatureSet, order_pk: int
) -> KeysBehind:
    """The orders whose events `velocity` looks at when the order of that key asks."""
    near = past.near(np.array([order_pk]), [velocity.identifier]).rows
    asked = near["order_pk"].to_numpy() == order_pk
    own = questions_of(near.filter(pa.array(asked)), by_rule(features))
    at_us, happened = _events(near, velocity.event)
    counts = _in_window(velocity, at_us, own, Calendar(features.timezone), features)
    counts &= _visible(velocity, near, at_us, own, Calendar(features.timezone))
    counts &= near["order_pk"].to_numpy() != order_pk
    rows = np.flatnonzero(counts & happened)
    newest = rows[np.argsort(-at_us[rows], kind="stable")]
    keys = near["order_pk"].to_numpy()[newest[:MOST_IDS]]
    return KeysBehind(velocity.name, keys, len(rows))


def _events(near: pa.Table, event: Event) -> tuple[Ints, Mask]:
    """When each order, or its first chargeback, counts; and which orders have such an event."""
    if event is Event.ORDER:
        return near["event_us"].to_numpy(), np.ones(near.num_rows, np.bool_)
    first = _first(near["chargeback_us"].combine_chunks())
    return pc.fill_null(first, 0).to_numpy(), first.is_valid().to_numpy(zero_copy_only=False)


def _in_window(
    velocity: Velocity, at_us: Ints, own: pa.Table, calendar: Calendar, features: FeatureSet
) -> Mask:
    asked_us, as_of = own["asked_us"].to_numpy(), own["as_of"].to_numpy().astype(np.int64)
    due_day = calendar.due_days(asked_us, features.snapshot_lag)
    question = Questions(asked_us, as_of, due_day, calendar)
    start, end = edges(velocity)
    inside: Mask = at_us < question.edge_us(end)[0]
    return inside if start is None else inside & (at_us >= question.edge_us(start)[0])


def _visible(
    velocity: Velocity, near: pa.Table, at_us: Ints, own: pa.Table, calendar: Calendar
) -> Mask:
    """Which events the order's evaluation could see; one that was asked by the rule sees all."""
    seen = own["visible"][0].as_py()
    if seen is None:
        return np.ones(near.num_rows, np.bool_)
    key = _keys(near, velocity.event)
    watermark, xmin, xmax = seen[:_BOUNDS]
    in_load: Mask = key < watermark
    in_read: Mask = (key < xmin) | ((key < xmax) & ~np.isin(key, seen[_BOUNDS:]))
    if velocity.past is Past.DISTANT:
        return in_load
    if velocity.past is Past.RECENT:
        return in_read
    cutoff_us = calendar.cutoff_us(int(own["as_of"][0].as_py()))
    return np.where(at_us < cutoff_us, in_load, in_read)


def _keys(near: pa.Table, event: Event) -> Ints:
    """The recorded key of each order, or of its first chargeback; of none it means nothing."""
    recorded: Ints = near["recorded_key"].to_numpy()
    if event is Event.ORDER:
        return recorded
    first = pc.fill_null(_first(near["chargeback_key"].combine_chunks()), 0).to_numpy()
    return np.asarray(np.maximum(first, recorded))


def _first(lists: pa.ListArray) -> pa.Array:
    """The first value of each list, null for none."""
    has_any = pc.greater(pc.fill_null(pc.list_value_length(lists), 0), 0)
    starts = pc.if_else(has_any, lists.offsets[:-1], pa.scalar(None, pa.int32()))
    return lists.values.take(starts)
