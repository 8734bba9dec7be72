"""Instants of a column: of texts, timestamps or dates, with their own zone or the table's."""

from __future__ import annotations

from datetime import date
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features_pkg.array_types import Ints
from features_pkg.calendar import EPOCH_DAY
from features_pkg.errors import OrdersRefused
from features_pkg.orders.columns.distinct import read_distinct
from features_pkg.orders.columns.tables import plain_array
from features_pkg.orders.fields.instant import (
    NO_INSTANT,
    QUARTER_US,
    WITHOUT_ZONE,
    bounds_us,
    calendar_of,
    out_of_range,
    read_instant_us,
    shift_of_quarter_us,
    skipped_reason,
)
from features_pkg.orders.fields.refusals import Refusals
from features_pkg.orders.limits import YEARS

_UNITS_PER_SECOND: Final = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def column_us(
    column: pa.Array, field: str, zone: str | None, refusals: Refusals, years: range = YEARS
) -> Ints:
    """Epoch microseconds of each row; NO_INSTANT where the value is null or the row is refused.

    Raises OrdersRefused for a column of a type that does not hold times.
    """
    plain = plain_array(column, field)
    kind = plain.type
    if plain.null_count == len(plain):  # such as pandas' doubles, where no row has a time
        return np.full(len(plain), NO_INSTANT, np.int64)
    if pa.types.is_large_string(kind):
        texts = read_distinct(
            plain, lambda text: read_instant_us(text, field, zone, years), refusals
        )
        return np.array([NO_INSTANT if us is None else us for us in texts], np.int64)
    if pa.types.is_date(kind):
        return _from_dates(plain, field, zone, refusals, years)
    if pa.types.is_timestamp(kind):
        us = _from_timestamps(plain, field, refusals, years)
        return us if kind.tz is not None else _from_local(us, field, zone, refusals)
    raise OrdersRefused(
        f"is {kind}, which does not hold times: give timestamps, dates or ISO 8601 text",
        column=field,
    )


def _from_timestamps(plain: pa.Array, field: str, refusals: Refusals, years: range) -> Ints:
    """Microseconds, cut off; NO_INSTANT where there is none, or it is not in `years`.

    The years are checked in the unit of the column, which may hold more than microseconds can.
    """
    present = np.asarray(pc.is_valid(plain))
    numbers = np.asarray(pc.fill_null(pc.cast(plain, pa.int64()), 0), np.int64)
    per_second = _UNITS_PER_SECOND[plain.type.unit]
    first_us, end_us = bounds_us(years)
    seconds = numbers // per_second
    inside = (seconds >= first_us // 10**6) & (seconds < end_us // 10**6)
    refusals.add(present & ~inside, field, out_of_range(years))
    # Where the product wraps, the row is refused already.
    us = numbers // 1000 if plain.type.unit == "ns" else numbers * (10**6 // per_second)
    return np.where(present & inside, us, NO_INSTANT)


def _from_dates(
    plain: pa.Array, field: str, zone: str | None, refusals: Refusals, years: range
) -> Ints:
    """The first instant of each day."""
    present = np.asarray(pc.is_valid(plain))
    is_days = pa.types.is_date32(plain.type)
    numbers = pc.fill_null(pc.cast(plain, pa.int32() if is_days else pa.int64()), 0)
    days = np.asarray(numbers, np.int64) // (1 if is_days else 86_400_000) + EPOCH_DAY
    first, last = date(years[0], 1, 1).toordinal(), date(years[-1], 12, 31).toordinal()
    inside = (days >= first) & (days <= last)
    refusals.add(present & ~inside, field, out_of_range(years))
    known = present & inside
    instants = np.full(len(days), NO_INSTANT, np.int64)
    if zone is None:
        refusals.add(known, field, WITHOUT_ZONE)
    else:
        instants[known] = calendar_of(zone).cutoffs_us(days[known])
    return instants


def _from_local(local_us: Ints, field: str, zone: str | None, refusals: Refusals) -> Ints:
    """The instants of local times, given as if they were UTC."""
    known = local_us != NO_INSTANT
    if zone is None:
        refusals.add(known, field, WITHOUT_ZONE)
        return np.full(len(local_us), NO_INSTANT, np.int64)
    # All times of a quarter of an hour are equally far from UTC, so zone rules are looked up once
    # for each different quarter: `quarters` holds those, `quarter_of` the position of each row's.
    quarters, quarter_of = np.unique(local_us[known] // QUARTER_US, return_inverse=True)
    shifts = np.array(
        [shift_of_quarter_us(zone, quarter) for quarter in quarters.tolist()], np.int64
    )
    shift_us = np.zeros(len(local_us), np.int64)
    shift_us[known] = np.array(shifts, np.int64)[quarter_of]
    never = shift_us == NO_INSTANT
    refusals.add(never, field, skipped_reason(zone))
    return np.where(never, NO_INSTANT, local_us + shift_us)
