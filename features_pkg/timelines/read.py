"""Timelines: what an entity did before a day, so that any window of days can be read off.

The bytes are MessagePack: `[base, orders, chargebacks]`. `base` is the day after the entity's last
event, so an entity without new events keeps its bytes while the days go by. Each kind of event is
None or `[older events, older cents, first_us, last_us - first_us, days, counts, cents, *targets]`;
each target is `[older values, days, counts]`: on how many of the listed days how many of its
different values were *last* seen. Listed are the 90 days before `base`, counted from their start;
what lies before them is `older` (docs/semantics.md section 7).

Kept is what each measure needs (`features_pkg/measures`): counts, cents, last sightings, first and
last instants. A measure that needs another column changes this layout, `timelines/build.py` and
`TIMELINES_LAYOUT`.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from features_pkg.errors import TimelineUnreadable
from features_pkg.identifiers import Event

LISTED_DAYS: Final = 90
DAY_ZERO: Final = 700_000
"""Days are stored from here (1917), which saves two bytes an entity until 2097."""


class EventTimeline:
    """What one kind of event did for one entity.

    A window begins `days` civil days before `due_day`, the day that the lag rule names; None is
    ever. It ends where the snapshot does.
    """

    __slots__ = (
        "_cents", "_counts", "_days", "_older", "_older_cents", "_start", "_targets",
        "first_us", "last_us",
    )  # fmt: skip

    def __init__(self, start: int, columns: Sequence[Any]) -> None:
        older, older_cents, first_us, length_us, days, counts, cents, *targets = columns
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
        """How many different values of the target at this position of the timeline's targets.

        A value is in the window exactly if its last sighting is.
        """
        older, seen_on, values = self._targets[target]
        if days is None:
            return int(older + sum(values))
        return sum(values[bisect_left(seen_on, due_day - days - self._start) :])


class Timeline:
    """What each kind of event did for one entity.

    The night counted two orders on the day before it, 2018-06-10, at one card. Eight days later
    they are still in a window of 30 days, and no longer in one of 7:

    >>> content = msgspec.msgpack.encode([736855 - DAY_ZERO, [0, 0, 1, 1, [89], [2], [900]], None])
    >>> orders = decode(content).of(Event.ORDER)
    >>> orders.count(736855 + 8, days=30), orders.count(736855 + 8, days=7)
    (2, 0)
    """

    __slots__ = ("_by_event",)

    def __init__(self, orders: EventTimeline | None, chargebacks: EventTimeline | None) -> None:
        self._by_event = (orders, chargebacks)

    def of(self, event: Event) -> EventTimeline | None:
        """What `event` did; None when it never happened."""
        return self._by_event[0 if event is Event.ORDER else 1]


def decode(content: bytes) -> Timeline:
    """The timeline in these bytes.

    Raises:
        TimelineUnreadable: when they hold none.
    """
    try:
        base, orders, chargebacks = msgspec.msgpack.decode(content)
        start = base + DAY_ZERO - LISTED_DAYS
        return Timeline(
            None if orders is None else EventTimeline(start, orders),
            None if chargebacks is None else EventTimeline(start, chargebacks),
        )
    except (msgspec.DecodeError, TypeError, ValueError) as cause:
        raise TimelineUnreadable(f"the bytes hold no timeline: {cause}") from None
