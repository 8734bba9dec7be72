"""Times of a file as UTC: those that state their zone, and local ones."""

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
"""No zone has changed its clock inside a quarter of an hour since 1972."""
LOCAL, AWARE = pa.timestamp("us"), pa.timestamp("us", "UTC")
NEVER: Final = -(2**62)
FIRST_US: Final = 0
LAST_US: Final = to_us(datetime(2200, 1, 1, tzinfo=UTC))


def instants_us(column: pa.Array, field: str, zone: str | None, refusals: Refusals) -> Ints:
    """Epoch microseconds per row; NEVER where the value is null or its row is refused.

    A local time that comes twice is the earlier one; one that never was is refused, as is one
    whose zone nobody states. Raises ColumnUnusable for a column that holds no times.
    """
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _from_text(pc.cast(column, pa.string()), field, zone, refusals)
    if pa.types.is_null(kind):
        return np.full(len(column), NEVER, np.int64)
    if not (pa.types.is_timestamp(kind) or pa.types.is_date(kind)):
        raise ColumnUnusable(column=field, reason=f"{kind} is no time: use timestamps or ISO 8601")
    aware = pa.types.is_timestamp(kind) and kind.tz is not None
    numbers = _numbers(pc.cast(column, AWARE if aware else LOCAL, safe=False))
    if aware:
        return _in_range(numbers, field, refusals)
    return _from_local(numbers, field, zone, refusals)


def _numbers(column: pa.Array) -> Ints:
    as_int = pc.fill_null(pc.cast(column, pa.int64()), NEVER)
    return np.asarray(as_int.to_numpy(zero_copy_only=False), np.int64)


def _from_text(column: pa.Array, field: str, zone: str | None, refusals: Refusals) -> Ints:
    """ISO 8601 texts: all aware or all local in one step, mixed or broken ones one by one."""
    try:
        return _in_range(_numbers(pc.cast(column, AWARE)), field, refusals)
    except pa.ArrowInvalid:
        pass
    try:
        return _from_local(_numbers(pc.cast(column, LOCAL)), field, zone, refusals)
    except pa.ArrowInvalid:
        return _one_by_one(column.to_pylist(), field, zone, refusals)


def _one_by_one(texts: list[str | None], field: str, zone: str | None, refusals: Refusals) -> Ints:
    aware = np.full(len(texts), NEVER, np.int64)
    local = np.full(len(texts), NEVER, np.int64)
    broken = np.zeros(len(texts), bool)
    for row, text in enumerate(texts):
        if text is None:
            continue
        try:
            found = datetime.fromisoformat(text.strip())
        except ValueError:
            broken[row] = True
            continue
        if found.tzinfo is None:
            local[row] = (found.replace(tzinfo=UTC) - EPOCH) // MICROSECOND
        else:
            aware[row] = to_us(found)
    refusals.add(broken, field, "is no time such as 2018-06-01T12:00:00Z")
    aware = _in_range(aware, field, refusals)
    return np.where(local == NEVER, aware, _from_local(local, field, zone, refusals))


def _from_local(
    local_us: Ints,
    field: str,
    zone: str | None,
    refusals: Refusals,
) -> Ints:
    local_us = _in_range(local_us, field, refusals)
    there = local_us != NEVER
    if zone is None:
        refusals.add(there, field, "has no time zone, and the mapping states none (timezone = …)")
        return np.full(len(local_us), NEVER, np.int64)
    quarter, place = np.unique(local_us[there] // QUARTER_US, return_inverse=True)
    shifts = np.array([_shift_us(zone, one) for one in quarter.tolist()], np.int64)[place]
    result = local_us.copy()
    result[there] += shifts
    gone = np.zeros(len(local_us), bool)
    gone[there] = shifts == NEVER
    refusals.add(gone, field, f"never was in {zone}: its clocks were put forward over it")
    result[gone] = NEVER
    return result


def _in_range(numbers: Ints, field: str, refusals: Refusals) -> Ints:
    """`numbers`, those before 1970 or after 2199 refused and NEVER."""
    outside = (numbers != NEVER) & ((numbers < FIRST_US) | (numbers >= LAST_US))
    refusals.add(outside, field, "is before 1970 or after 2199")
    return np.where(outside, NEVER, numbers)


@lru_cache(maxsize=1 << 18)
def _shift_us(zone: str, quarter: int) -> int:
    """What to add to a local time of this quarter of an hour to get UTC; NEVER if there is none."""
    local = EPOCH.replace(tzinfo=None) + timedelta(microseconds=quarter * QUARTER_US)
    there = local.replace(tzinfo=ZoneInfo(zone), fold=0)
    instant = there.astimezone(UTC)
    if instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None) != local:
        return NEVER
    return to_us(instant) - quarter * QUARTER_US
