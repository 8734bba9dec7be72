"""Which nights a demo runs: those that its first request asks for, and those that it crosses."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from features_pkg.calendar import Calendar

AFTER_CUTOFF_US = 10_000_000
"""A night starts this long after its day began: `LATE_AFTER` is over by then."""


def nights_before(first_us: int, calendar: Calendar, lag: timedelta) -> list[int]:
    """The snapshots (days) to publish before a request at `first_us`, oldest first.

    The one that it reads, and the one of its own day if that has begun.
    """
    due_day = calendar.as_of(first_us, lag)
    begun = calendar.day_of(first_us - AFTER_CUTOFF_US)
    return list(range(due_day, begun + 1))


def nights_between(after_us: int, to_us: int, calendar: Calendar) -> Iterator[int]:
    """The days whose night falls due after the instant `after_us`, up to `to_us`."""
    day = calendar.day_of(after_us)
    while calendar.cutoff_us(day) + AFTER_CUTOFF_US <= to_us:
        if calendar.cutoff_us(day) + AFTER_CUTOFF_US > after_us:
            yield day
        day += 1
