"""Instants: of texts, timestamps and dates, with a zone of their own or that of the table."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from features_pkg.calendar import EPOCH, Calendar, to_us
from features_pkg.orders.fields.refusals import ValueRefused
from features_pkg.orders.limits import YEARS

NO_INSTANT: Final = -(2**62)
"""Stands in an array of instants where a row has none: far outside all that are accepted."""
NOT_A_TIME: Final = "is not a time; write it like 2018-06-01T12:00:00Z"
WITHOUT_ZONE: Final = "has no time zone: write it like 2018-06-01T12:00:00-03:00"

QUARTER_US: Final = 900_000_000
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
        return calendar_of(zone).cutoff_us(time.toordinal())
    shift_us = shift_of_quarter_us(zone, local_us // QUARTER_US)
    if shift_us == NO_INSTANT:
        raise ValueRefused(field, skipped_reason(zone))
    return local_us + shift_us


def skipped_reason(zone: str) -> str:
    """Why a local time of `zone` is refused over which its clocks were put forward."""
    return f"never occurred in {zone}: its clocks were put forward over it"


def out_of_range(years: range) -> str:
    """Why a time outside of `years` is refused."""
    return f"is before {years[0]} or after {years[-1]}"


def _without_blanks(text: str) -> str:
    """A text of `_TIME` as `fromisoformat` takes it."""
    return text.upper().replace(" ", "T", 1).replace(" ", "")


def is_within(us: int, years: range = YEARS) -> bool:
    """Whether an instant is in one of `years`, as they are in UTC."""
    first_us, end_us = bounds_us(years)
    return first_us <= us < end_us


def _in_years(us: int, field: str, years: range) -> int:
    if not is_within(us, years):
        raise ValueRefused(field, out_of_range(years))
    return us


@lru_cache(maxsize=4)
def bounds_us(years: range) -> tuple[int, int]:
    """The first instant of `years`, and the first after them."""
    first, end = (datetime(year, 1, 1, tzinfo=UTC) for year in (years[0], years[-1] + 1))
    return to_us(first), to_us(end)


@lru_cache(maxsize=16)
def calendar_of(zone: str) -> Calendar:
    """The calendar of a zone, made once."""
    return Calendar(zone)


@lru_cache(maxsize=1 << 18)
def shift_of_quarter_us(zone: str, quarter: int) -> int:
    """What to add to local times of a quarter to get UTC; NO_INSTANT if the quarter was skipped."""
    local = EPOCH.replace(tzinfo=None) + timedelta(microseconds=quarter * QUARTER_US)
    instant = local.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC)
    # A skipped local time is moved on by the conversion, so it does not come back from UTC.
    if instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None) != local:
        return NO_INSTANT
    return to_us(instant) - quarter * QUARTER_US
