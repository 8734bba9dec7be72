"""Instants: of texts, timestamps and dates, with a zone of their own or that of the table."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features_pkg.array_types import Ints
from features_pkg.calendar import EPOCH, EPOCH_DAY, Calendar, to_us
from features_pkg.errors import OrdersRefused
from features_pkg.orders.fields.refusals import Refusals, ValueRefused, read_distinct
from features_pkg.orders.limits import YEARS
from features_pkg.orders.tables import plain_array

NO_INSTANT: Final = -(2**62)
"""Stands in an array of instants where a row has none: far outside all that are accepted."""
NOT_A_TIME: Final = "is not a time; write it like 2018-06-01T12:00:00Z"
WITHOUT_ZONE: Final = "has no time zone: write it like 2018-06-01T12:00:00-03:00"

_UNITS_PER_SECOND: Final = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_QUARTER_US: Final = 900_000_000
"""A quarter of an hour: since 1972 no zone has changed its clock inside one."""
_TIME: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(?P<time>[T ](?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:[.,][0-9]+)?)?"
    r"(?: ?(?P<zone>Z|[+-](?:[01][0-9]|2[0-3])(?::?[0-5][0-9])?))?)?",
    re.IGNORECASE,
)
"""ISO 8601 as people write it; a date alone is one, too."""


def read_instant_us(
    text: str | None, field: str, zone: str | None, years: range = YEARS
) -> int | None:
    """The epoch microseconds of a text, or None for none.

    Digits beyond the microsecond are cut off. A text without an offset is local to `zone`. A date
    alone is the first instant of that day. A local time that occurred twice is the earlier one.

    Raises ValueRefused: not a time, not in `years`, local while `zone` is None, or a local time
    that never occurred.
    """
    if not text:
        return None
    match = _TIME.fullmatch(text.strip())
    try:
        time = datetime.fromisoformat(_without_blanks(match[0])) if match else None
    except ValueError:  # such as the 30th of February
        time = None
    if match is None or time is None:
        raise ValueRefused(field, NOT_A_TIME)
    if match["zone"]:
        return _in_years(to_us(time), field, years)
    local_us = _in_years(to_us(time.replace(tzinfo=UTC)), field, years)
    if zone is None:
        raise ValueRefused(field, WITHOUT_ZONE)
    if match["time"] is None:
        return _calendar(zone).cutoff_us(time.toordinal())
    shift_us = _shift_us(zone, local_us // _QUARTER_US)
    if shift_us == NO_INSTANT:
        raise ValueRefused(field, _skipped_reason(zone))
    return local_us + shift_us


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


def _skipped_reason(zone: str) -> str:
    """Why a local time of `zone` is refused over which its clocks were put forward."""
    return f"never occurred in {zone}: its clocks were put forward over it"


def _out_of_range(years: range) -> str:
    """Why a time outside of `years` is refused."""
    return f"is before {years[0]} or after {years[-1]}"


def _without_blanks(text: str) -> str:
    """A text of `_TIME` as `fromisoformat` takes it."""
    return text.upper().replace(" ", "T", 1).replace(" ", "")


def _in_years(us: int, field: str, years: range) -> int:
    first_us, end_us = _bounds_us(years)
    if not first_us <= us < end_us:
        raise ValueRefused(field, _out_of_range(years))
    return us


def _from_timestamps(plain: pa.Array, field: str, refusals: Refusals, years: range) -> Ints:
    """Microseconds, cut off; NO_INSTANT where there is none, or it is not in `years`.

    The years are checked in the unit of the column, which may hold more than microseconds can.
    """
    present = np.asarray(pc.is_valid(plain))
    numbers = np.asarray(pc.fill_null(pc.cast(plain, pa.int64()), 0), np.int64)
    per_second = _UNITS_PER_SECOND[plain.type.unit]
    first_us, end_us = _bounds_us(years)
    seconds = numbers // per_second
    inside = (seconds >= first_us // 10**6) & (seconds < end_us // 10**6)
    refusals.add(present & ~inside, field, _out_of_range(years))
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
    refusals.add(present & ~inside, field, _out_of_range(years))
    known = present & inside
    instants = np.full(len(days), NO_INSTANT, np.int64)
    if zone is None:
        refusals.add(known, field, WITHOUT_ZONE)
    else:
        instants[known] = _calendar(zone).cutoffs_us(days[known])
    return instants


def _from_local(local_us: Ints, field: str, zone: str | None, refusals: Refusals) -> Ints:
    """The instants of local times, given as if they were UTC."""
    known = local_us != NO_INSTANT
    if zone is None:
        refusals.add(known, field, WITHOUT_ZONE)
        return np.full(len(local_us), NO_INSTANT, np.int64)
    # All times of a quarter of an hour are equally far from UTC, so zone rules are looked up once
    # for each different quarter: `quarters` holds those, `quarter_of` the position of each row's.
    quarters, quarter_of = np.unique(local_us[known] // _QUARTER_US, return_inverse=True)
    shifts = np.array([_shift_us(zone, quarter) for quarter in quarters.tolist()], np.int64)
    shift_us = np.zeros(len(local_us), np.int64)
    shift_us[known] = shifts[quarter_of]
    never = shift_us == NO_INSTANT
    refusals.add(never, field, _skipped_reason(zone))
    return np.where(never, NO_INSTANT, local_us + shift_us)


@lru_cache(maxsize=4)
def _bounds_us(years: range) -> tuple[int, int]:
    """The first instant of `years`, and the first after them."""
    first, end = (datetime(year, 1, 1, tzinfo=UTC) for year in (years[0], years[-1] + 1))
    return to_us(first), to_us(end)


@lru_cache(maxsize=16)
def _calendar(zone: str) -> Calendar:
    return Calendar(zone)


@lru_cache(maxsize=1 << 18)
def _shift_us(zone: str, quarter: int) -> int:
    """What to add to local times of a quarter to get UTC; NO_INSTANT if the quarter was skipped."""
    local = EPOCH.replace(tzinfo=None) + timedelta(microseconds=quarter * _QUARTER_US)
    instant = local.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC)
    # A skipped local time is moved on by the conversion, so it does not come back from UTC.
    if instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None) != local:
        return NO_INSTANT
    return to_us(instant) - quarter * _QUARTER_US
