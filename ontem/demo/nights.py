"""Which nights a demo runs: those that its first request needs, and those that it comes across."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from features_pkg.calendar import Calendar, from_us

AFTER_CUTOFF_US = 10_000_000
"""A night runs this long after its day began; by then no late row can still come."""


def nights_before(first_us: int, calendar: Calendar, lag: timedelta) -> list[int]:
    """The days whose snapshots to publish before a request at `first_us`, oldest first.

    From the day that the request reads to the newest day whose night is due by then.
    """
    due_day = calendar.due_day(first_us, lag)
    newest_day = calendar.day_of(first_us - AFTER_CUTOFF_US)
    return list(range(due_day, newest_day + 1))


def nights_between(after_us: int, to_us: int, calendar: Calendar) -> Iterator[int]:
    """The days whose night runs after the instant `after_us` and at `to_us` or before."""
    day = calendar.day_of(after_us)
    while calendar.cutoff_us(day) + AFTER_CUTOFF_US <= to_us:
        if calendar.cutoff_us(day) + AFTER_CUTOFF_US > after_us:
            yield day
        day += 1


def clock_of_night(day: int, calendar: Calendar) -> datetime:
    """When the night that publishes the snapshot of `day` runs."""
    return from_us(calendar.cutoff_us(day) + AFTER_CUTOFF_US)
