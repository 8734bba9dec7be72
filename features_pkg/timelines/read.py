"""Timelines: what an entity did before a day, so that any window of days can be read off.

The bytes begin with 4 that hold `base` and the shape, then 7 for the first instant of each kind of
event that happened, and the rest is one flat MessagePack array of whole numbers.

- `base` is the day after the entity's last event, so an entity without new events keeps its bytes
  while the days go by.
- The shape says, for orders and for chargebacks, how many targets follow plus one; 0 is "never
  happened".
- The array has for each kind of event that happened:

| field | numbers | when present |
|---|---|---|
| length | last instant less first instant | always |
| *days* of the event | on which days it happened | always |
| *days* of each target | on which days its different values were *last* seen | for each target |
| cents | those of each listed day of the event | always |
| older cents | those of all older events together | if some are older |

*Days* are a head, the listed days, the count of each, and how many are older. The head is 4 times
the number of listed days, plus 2 if the counts are written (else each is 1), plus 1 if "older" is
written (else it is 0). The 90 days before `base` can be listed, each as its distance from the first
of them; what lies before them is older (docs/semantics.md section 7).

These are the numbers that the measures need (`features_pkg/measures`). A measure that needs another
one changes this layout, `counts.py`, the bytes (`build.py`) and columns (`columns.py`) beside this
file, the states that they come from (`features_pkg/fold`), and `TIMELINES_LAYOUT`.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Final, TypeAlias

import msgspec

from features_pkg.definitions.window import LONGEST_DISTANT_DAYS
from features_pkg.errors import TimelineUnreadable
from features_pkg.identifiers import Event

LISTED_DAYS: Final = LONGEST_DISTANT_DAYS
HEAD_BYTES: Final = 4
INSTANT_BYTES: Final = 7
"""Enough, with the sign, for the years 829 to 3111."""
COUNTS_WRITTEN: Final = 2
OLDER_WRITTEN: Final = 1

_ONCE: Final = [1] * LISTED_DAYS
_decode_numbers = msgspec.msgpack.Decoder(list[int]).decode

DayCounts: TypeAlias = tuple[list[int], list[int], int]
"""Listed days, how many fell on each, and how many are older."""


class EventTimeline:
    """What one kind of event did for one entity.

    A window begins `days` civil days before `due_day`, the day that the lag rule names; None is
    ever. It ends where the snapshot does.
    """

    __slots__ = (
        "_cents", "_counts", "_days", "_older", "_older_cents", "_start", "_targets",
        "first_us", "last_us",
    )  # fmt: skip

    def __init__(
        self,
        start: int,
        instants: tuple[int, int],
        cents: tuple[list[int], int],
        day_counts: list[DayCounts],
    ) -> None:
        self._start = start
        self.first_us, self.last_us = instants
        self._cents, self._older_cents = cents
        self._days, self._counts, self._older = day_counts[0]
        self._targets = day_counts

    def count(self, due_day: int, days: int | None) -> int:
        """How many events lie in the window."""
        if days is None:
            return self._older + sum(self._counts)
        return sum(self._counts[bisect_left(self._days, due_day - days - self._start) :])

    def amount_cents(self, due_day: int, days: int | None) -> int:
        """The sum of their orders' amounts."""
        if days is None:
            return self._older_cents + sum(self._cents)
        return sum(self._cents[bisect_left(self._days, due_day - days - self._start) :])

    def distinct(self, target: int, due_day: int, days: int | None) -> int:
        """How many different values of the target at this position of the timeline's targets.

        A value is in the window exactly if its last sighting is.
        """
        seen_on, values, older = self._targets[target + 1]
        if days is None:
            return older + sum(values)
        return sum(values[bisect_left(seen_on, due_day - days - self._start) :])


class Timeline:
    """What each kind of event did for one entity.

    The night counted two orders on the day before it, 2018-06-10, at one card: 9 reais in all, the
    second a microsecond after the first. Eight days later they are still in a window of 30 days,
    and no longer in one of 7. The numbers are: a microsecond between first and last; one day, whose
    count is written; that day is the last of the 90; two orders; 900 cents.

    >>> base, first_us = 736855, 1_528_642_800_000_000
    >>> head = (base << 8 | 1).to_bytes(4, "little") + first_us.to_bytes(7, "little")
    >>> content = head + msgspec.msgpack.encode([1, 4 * 1 + COUNTS_WRITTEN, 89, 2, 900])
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
        TimelineUnreadable: they are not a timeline.
    """
    try:
        return _decode(content)
    except (msgspec.DecodeError, ValueError, IndexError) as cause:
        raise TimelineUnreadable(f"the bytes hold no timeline: {cause}") from None


def _decode(content: bytes) -> Timeline:
    head = int.from_bytes(content[:HEAD_BYTES], "little")
    start, of_orders, of_chargebacks = (head >> 8) - LISTED_DAYS, head & 15, head >> 4 & 15
    second = HEAD_BYTES + INSTANT_BYTES * bool(of_orders)
    numbers = _decode_numbers(content[second + INSTANT_BYTES * bool(of_chargebacks) :])
    orders = chargebacks = None
    end = 0
    if of_orders:
        first_us = int.from_bytes(content[HEAD_BYTES:second], "little", signed=True)
        orders, end = _event_timeline(numbers, 0, start, first_us, of_orders)
    if of_chargebacks:
        instant = content[second : second + INSTANT_BYTES]
        first_us = int.from_bytes(instant, "little", signed=True)
        chargebacks, end = _event_timeline(numbers, end, start, first_us, of_chargebacks)
    if end != len(numbers):
        raise ValueError(f"it has {len(numbers)} numbers and ends after {end}")
    return Timeline(orders, chargebacks)


def _event_timeline(
    numbers: list[int], position: int, start: int, first_us: int, lists: int
) -> tuple[EventTimeline, int]:
    """The timeline whose numbers begin at `position`, with so many *days*; and where they end."""
    last_us = first_us + numbers[position]
    position += 1
    day_counts = []
    for _ in range(lists):  # no function of its own: a call for each list costs as much as the rest
        head = numbers[position]
        end = position + 1 + (head >> 2)
        days, counts = numbers[position + 1 : end], _ONCE[: head >> 2]
        if head & COUNTS_WRITTEN:
            position, end = end, end + (head >> 2)
            counts = numbers[position:end]
        older = 0
        if head & OLDER_WRITTEN:
            older = numbers[end]
            end += 1
        day_counts.append((days, counts, older))
        position = end
    days, _, older = day_counts[0]
    end = position + len(days)
    cents = (numbers[position:end], numbers[end] if older else 0)
    timeline = EventTimeline(start, (first_us, last_us), cents, day_counts)
    return timeline, end + bool(older)
