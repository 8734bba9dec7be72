"""Which features a model gets: the catalogue as it was, and as it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
import pyarrow as pa

from benchmarks.modelling.shops import Shop
from features_pkg.array_types import Floats, Ints
from features_pkg.calendar import DAY_US, EPOCH_DAY, HOUR_US, Calendar
from features_pkg.definitions.catalogue import CATALOGUE, DERIVED_CATALOGUE
from features_pkg.definitions.derived import Derived
from features_pkg.definitions.velocity import Velocity
from features_pkg.notebook.point_in_time import point_in_time

OF_THE_ORDER: Final = ("amount_cents", "local_hour", "local_weekday")
"""The order features that vary in both shops."""
CAME_WITH_DELAYS: Final = frozenset(
    f"{identifier}_chargebacks_7d_distant" for identifier in ("device", "product", "seller")
)
"""Velocities without a delay that the catalogue has for the sake of those with one."""


def velocities_of(orders: pa.Table) -> tuple[Velocity, ...]:
    """The velocities of the catalogue before, of the identifiers that the orders have."""
    return tuple(v for v in CATALOGUE if not _is_added(v) and _is_of(orders, v))


def derived_and_delayed(orders: pa.Table) -> tuple[Velocity | Derived, ...]:
    """What the catalogue has beside them."""
    return (
        *(v for v in CATALOGUE if _is_added(v) and _is_of(orders, v)),
        *(d for d in DERIVED_CATALOGUE if all(_is_of(orders, v) for v in d.velocities)),
    )


def feature_matrix(shop: Shop, rows: Ints, features: Iterable[Velocity | Derived]) -> Floats:
    """The order features and then these ones of the orders in `rows`, NaN for null."""
    table = point_in_time(shop.orders, [each.name for each in features], timezone=shop.timezone)
    columns = [*order_columns(shop, rows), *table.take(pa.array(rows)).columns[1:]]
    return np.stack([_floats(column) for column in columns], axis=1)


def order_columns(shop: Shop, rows: Ints) -> Sequence[pa.Array]:
    """The columns of `OF_THE_ORDER`."""
    at_us = shop.orders["event_at"].cast(pa.int64()).to_numpy()[rows]
    local_us = at_us + Calendar(shop.timezone).offsets_us(at_us)
    return (
        shop.orders["amount_cents"].take(pa.array(rows)),
        pa.array(local_us // HOUR_US % 24),
        pa.array((local_us // DAY_US + EPOCH_DAY - 1) % 7),
    )


def _is_added(velocity: Velocity) -> bool:
    is_delayed = velocity.window is not None and velocity.window.delay_days > 0
    return is_delayed or velocity.name in CAME_WITH_DELAYS


def _is_of(orders: pa.Table, velocity: Velocity) -> bool:
    """Whether the orders have what it is about."""
    needed = [velocity.identifier, *([velocity.target] if velocity.target else [])]
    return all(
        name in orders.column_names and orders[name].null_count < orders.num_rows for name in needed
    )


def _floats(column: pa.Array | pa.ChunkedArray) -> Floats:
    return np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False))
