"""Times of a file as epoch microseconds: those that state their zone, and local ones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features_pkg.array_types import Ints
from features_pkg.calendar import EPOCH, MICROSECOND, to_us
from jobs.importing.errors import ColumnUnusable
from jobs.importing.refusals import Refusals

QUARTER_US: Final = 900_000_000
"""A quarter of an hour: since 1972 no zone has changed its clock inside one."""
LOCAL, AWARE = pa.timestamp("us"), pa.timestamp("us", "UTC")
FIRST_US: Final = 0
LAST_US: Final = to_us(datetime(2200, 1, 1, tzinfo=UTC))
NO_INSTANT: Final = -(2**62)
"""Stands in an array of instants where a row has none: far outside `FIRST_US` to `LAST_US`."""


def file_instants_us(column: pa.Array, field: str, zone: str | None, refusals: Refusals) -> Ints:
    """Epoch microseconds of each row; NO_INSTANT where the value is null or the row is refused.

    A local time that occurred twice means the earlier one. One that never occurred is refused, and
    so is every local time if `zone` is None. Raises ColumnUnusable for a column of a type that does
    not hold times.
    """
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _from_text(pc.cast(column, pa.string()), field, zone, refusals)
    if pa.types.is_null(kind):
        return np.full(len(column), NO_INSTANT, np.int64)
    if not (pa.types.is_timestamp(kind) or pa.types.is_date(kind)):
        reason = f"{kind} does not hold times: use timestamps, dates or ISO 8601 text"
        raise ColumnUnusable(column=field, reason=reason)
    aware = pa.types.is_timestamp(kind) and kind.tz is not None
    numbers = _as_numbers(pc.cast(column, AWARE if aware else LOCAL, safe=False))
    if aware:
        return _in_range(numbers, field, refusals)
    return _from_local(numbers, field, zone, refusals)


def _as_numbers(column: pa.Array) -> Ints:
    numbers = pc.fill_null(pc.cast(column, pa.int64()), NO_INSTANT)
    return np.asarray(numbers.to_numpy(zero_copy_only=False), np.int64)


def _from_text(column: pa.Array, field: str, zone: str | None, refusals: Refusals) -> Ints:
    """ISO 8601 texts: all aware or all local in one step, otherwise each on its own."""
    try:
        return _in_range(_as_numbers(pc.cast(column, AWARE)), field, refusals)
    except pa.ArrowInvalid:
        pass
    try:
        return _from_local(_as_numbers(pc.cast(column, LOCAL)), field, zone, refusals)
    except pa.ArrowInvalid:
        return _from_each_text(column.to_pylist(), field, zone, refusals)


def _from_each_text(
    texts: list[str | None], field: str, zone: str | None, refusals: Refusals
) -> Ints:
    aware = np.full(len(texts), NO_INSTANT, np.int64)
    local = np.full(len(texts), NO_INSTANT, np.int64)
    malformed = np.zeros(len(texts), bool)
    for row, text in enumerate(texts):
        if text is None:
            continue
        try:
            time = datetime.fromisoformat(text.strip())
        except ValueError:
            malformed[row] = True
            continue
        if time.tzinfo is None:
            local[row] = (time.replace(tzinfo=UTC) - EPOCH) // MICROSECOND
        else:
            aware[row] = to_us(time)
    refusals.add(malformed, field, "is not a time; write it like 2018-06-01T12:00:00Z")
    aware = _in_range(aware, field, refusals)
    return np.where(local == NO_INSTANT, aware, _from_local(local, field, zone, refusals))


def _from_local(local_us: Ints, field: str, zone: str | None, refusals: Refusals) -> Ints:
    """The instants of local times, given as if they were UTC."""
    local_us = _in_range(local_us, field, refusals)
    known = local_us != NO_INSTANT
    if zone is None:
        refusals.add(known, field, "has no time zone: state one in the mapping (timezone = …)")
        return np.full(len(local_us), NO_INSTANT, np.int64)
    # All times of a quarter of an hour are equally far from UTC, so zone rules are looked up once
    # for each different quarter: `quarters` holds those, `quarter_of` the position of each row's.
    quarters, quarter_of = np.unique(local_us[known] // QUARTER_US, return_inverse=True)
    shifts = np.array([_shift_us(zone, quarter) for quarter in quarters.tolist()], np.int64)
    shift_us = np.zeros(len(local_us), np.int64)
    shift_us[known] = shifts[quarter_of]
    skipped = shift_us == NO_INSTANT
    refusals.add(skipped, field, f"never occurred in {zone}: its clocks were put forward over it")
    return np.where(skipped, NO_INSTANT, local_us + shift_us)


def _in_range(numbers: Ints, field: str, refusals: Refusals) -> Ints:
    """`numbers`, with those before 1970 or after 2199 refused and made NO_INSTANT."""
    outside = (numbers != NO_INSTANT) & ((numbers < FIRST_US) | (numbers >= LAST_US))
    refusals.add(outside, field, "is before 1970 or after 2199")
    return np.where(outside, NO_INSTANT, numbers)


@lru_cache(maxsize=1 << 18)
def _shift_us(zone: str, quarter: int) -> int:
    """What to add to local times of a quarter to get UTC; NO_INSTANT if the quarter was skipped."""
    local = EPOCH.replace(tzinfo=None) + timedelta(microseconds=quarter * QUARTER_US)
    instant = local.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC)
    # A skipped local time is moved on by the conversion, so it does not come back from UTC.
    if instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None) != local:
        return NO_INSTANT
    return to_us(instant) - quarter * QUARTER_US
