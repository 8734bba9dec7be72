"""Timelines: what an entity did before a day, kept so that any distant window can be read off.

The bytes are MessagePack: `[base, orders, chargebacks]`. `base` is the day after the entity's last
event, so an entity without new events keeps its bytes while the days go by. A line is None or
`[older events, older cents, first_us, last_us - first_us, days, counts, cents, *targets]`, a target
`[older values, days, counts]`: on how many of the listed days how many of its different values were
*last* seen. A listed day is counted from the start of the 90 days before `base`; what lies before
them is `older`.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Any, Final

import msgspec

from features_pkg.errors import TimelineUnreadable
from features_pkg.identifiers import Event

LISTED_DAYS: Final = 90
DAY_ZERO: Final = 700_000
"""Days are stored from here (1917), which saves two bytes an entity until 2097."""


class Line:
    """One event of one entity. Windows begin `days` civil days before `due_day`; None is ever."""

    __slots__ = (
        "_cents", "_counts", "_days", "_older", "_older_cents", "_start", "_targets",
        "first_us", "last_us",
    )  # fmt: skip

    def __init__(self, start: int, line: list[Any]) -> None:
        older, older_cents, first_us, length_us, days, counts, cents, *targets = line
        self._start, self._older, self._older_cents = start, older, older_cents
        self._days, self._counts, self._cents, self._targets = days, counts, cents, targets
        self.first_us: int = first_us
        self.last_us: int = first_us + length_us

    def count(self, due_day: int, days: int | None) -> int:
        """How many events lie in the window."""
        if days is None:
            return int(self._older + sum(self._counts))
        return sum(self._counts[bisect_left(self._days, due_day - days - self._start) :])

    def amount_cents(self, due_day: int, days: int | None) -> int:
        """The sum of their orders' amounts."""
        if days is None:
            return int(self._older_cents + sum(self._cents))
        return sum(self._cents[bisect_left(self._days, due_day - days - self._start) :])

    def distinct(self, target: int, due_day: int, days: int | None) -> int:
        """How many different values of the target at this place of the kept ones."""
        older, seen_on, values = self._targets[target]
        if days is None:
            return int(older + sum(values))
        return sum(values[bisect_left(seen_on, due_day - days - self._start) :])


class Timeline:
    """The lines of one entity."""

    __slots__ = ("_lines",)

    def __init__(self, lines: tuple[Line | None, Line | None]) -> None:
        self._lines = lines

    def line(self, event: Event) -> Line | None:
        """The line of `event`; None when it never happened."""
        return self._lines[0 if event is Event.ORDER else 1]


def decode(content: bytes) -> Timeline:
    """The timeline in these bytes.

    Raises:
        TimelineUnreadable: when they hold none.
    """
    try:
        base, orders, chargebacks = msgspec.msgpack.decode(content)
        start = base + DAY_ZERO - LISTED_DAYS
        return Timeline(
            (
                None if orders is None else Line(start, orders),
                None if chargebacks is None else Line(start, chargebacks),
            )
        )
    except (msgspec.DecodeError, TypeError, ValueError) as cause:
        raise TimelineUnreadable(f"the bytes hold no timeline: {cause}") from None
