"""Questions: when they are asked, what they could see, and the edges of their windows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from threading import Lock

import numpy as np

from features_pkg.array_types import Ints, Mask
from features_pkg.calendar import Calendar
from features_pkg.definitions.velocity import Past, Velocity
from features_pkg.history.ragged import expand

LONGEST_US = 2**61
"""No window is longer than this: some 73,000 years."""

Edge = tuple[str, int]
"""The edge of a window: ('at', 0), ('cutoff', 0), ('before', microseconds) or ('day', days).

`('delay', days)` is the earlier of `('day', days)` and `('cutoff', 0)`.
"""

AT: Edge = ("at", 0)
CUTOFF: Edge = ("cutoff", 0)


@dataclass(frozen=True, slots=True)
class Visibility:
    """What live questions could see, a row for each question; keys are recorded keys.

    Rows stored below `watermark` are in the load that the question read. Of the recent past it saw
    the rows stored below `xmin`, and those below `xmax` that were not in flight. In flight for
    question `i` were the transactions of `in_flight` from `in_flight_starts[i]` up to
    `in_flight_starts[i + 1]`. Where `live` is false the question is asked by the rule and sees
    everything. `order` is the question's own order, which counts from `own_us`.
    """

    live: Mask
    watermark: Ints
    xmin: Ints
    xmax: Ints
    in_flight: Ints
    in_flight_starts: Ints
    order: Ints
    own_us: Ints

    def select(self, rows: Ints) -> Visibility:
        """What the questions `rows` could see."""
        count = np.diff(self.in_flight_starts)[rows]
        _, index = expand(self.in_flight_starts[rows], count)
        return Visibility(
            live=self.live[rows],
            watermark=self.watermark[rows],
            xmin=self.xmin[rows],
            xmax=self.xmax[rows],
            in_flight=self.in_flight[index],
            in_flight_starts=np.concatenate(([0], np.cumsum(count))),
            order=self.order[rows],
            own_us=self.own_us[rows],
        )


class Questions:
    """Questions at `at_us` whose distant past ends where day `as_of` begins; a row for each.

    Their windows of days begin before the day `due_day`, which the lag rule names; `as_of` is
    earlier where an older snapshot served.

    The ranks of the windows' edges among event instants are kept: they serve every identifier.
    """

    def __init__(
        self,
        at_us: Ints,
        as_of: Ints,
        due_day: Ints,
        calendar: Calendar,
        visibility: Visibility | None = None,
    ) -> None:
        self.at_us, self.as_of, self.due_day = at_us, as_of, due_day
        self.calendar, self.visibility = calendar, visibility
        self._ranks: dict[tuple[Edge, int], Ints] = {}
        self._times: dict[int, Ints] = {}
        self._lock = Lock()

    @classmethod
    def by_rule(cls, at_us: Ints, calendar: Calendar, snapshot_lag: timedelta) -> Questions:
        """Questions whose snapshot is the one that the lag rule names."""
        due_day = calendar.due_days(at_us, snapshot_lag)
        return cls(at_us, due_day, due_day, calendar)

    def select(self, rows: Ints) -> Questions:
        """The questions `rows`."""
        visibility = None if self.visibility is None else self.visibility.select(rows)
        return Questions(
            self.at_us[rows], self.as_of[rows], self.due_day[rows], self.calendar, visibility
        )

    def edge_us(self, edge: Edge) -> Ints:
        """The instants of an edge."""
        kind, length = edge
        if kind == "at":
            return self.at_us
        if kind == "before":
            return self.at_us - min(length, LONGEST_US)
        if kind == "cutoff":
            return self.calendar.cutoffs_us(self.as_of)
        day = self.due_day - length
        return self.calendar.cutoffs_us(np.minimum(day, self.as_of) if kind == "delay" else day)

    def ranks(self, edge: Edge, times: Ints) -> Ints:
        """How many of `times` lie before the edge of each question."""
        key = (edge, id(times))
        with self._lock:
            if key not in self._ranks:
                self._times[id(times)] = times  # so that no other array can get its id
                self._ranks[key] = np.searchsorted(times, self.edge_us(edge)).astype(np.int32)
            return self._ranks[key]


def edges(velocity: Velocity) -> tuple[Edge | None, Edge]:
    """Where the window of `velocity` starts (None: at the beginning of time) and where it ends."""
    window = velocity.window
    if window is None:
        return None, AT
    if velocity.past is Past.DISTANT:
        delay = window.delay_days
        start = None if window.days is None else ("day", window.days + delay)
        return start, ("delay", delay) if delay else CUTOFF
    if window.is_since_cutoff:
        return CUTOFF, AT
    return (None if window.span_us is None else ("before", window.span_us)), AT
