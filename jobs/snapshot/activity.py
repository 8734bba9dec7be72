"""How many entities had their last event on which day, kept as counts from night to night."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features_pkg.calendar import Calendar
from features_pkg.identifiers import Event
from features_pkg.timelines.read import LISTED_DAYS

INSTANTS: Final = (*(f"last_{event}_at" for event in Event), f"first_{Event.ORDER}_at")
"""The columns of a snapshot that say when an entity's last event was; a merchant has the last one
of these alone, which is all that is kept of it."""


def last_days(rows: pa.Table, calendar: Calendar) -> Counter[int]:
    """How many rows of a snapshot have their last event on each day (an ordinal)."""
    last_us = pc.max_element_wise(*(rows[name].cast(pa.int64()) for name in INSTANTS))
    days = calendar.days_of(last_us.to_numpy())
    different, counts = np.unique(days, return_counts=True)
    return Counter(dict(zip(different.tolist(), counts.tolist(), strict=True)))


@dataclass(frozen=True, slots=True)
class Activity:
    """The entities of a snapshot by their last event.

    `recent[i]` had it `i + 1` days before the snapshot's day, `inactive` before all of these: no
    window but `ever` reaches that far.
    """

    inactive: int
    recent: tuple[int, ...]

    @property
    def active(self) -> int:
        """How many had an event in the longest window."""
        return sum(self.recent)

    @classmethod
    def of(cls, days: Mapping[int, int], as_of: int) -> "Activity":
        """By how many entities had their last event on each day."""
        recent = tuple(days.get(as_of - ago, 0) for ago in range(1, LISTED_DAYS + 1))
        return cls(sum(days.values()) - sum(recent), recent)

    def after(self, changes: Mapping[int, int], before: int, as_of: int) -> "Activity":
        """On the later day `as_of`, with so many entities more or fewer of each day."""
        days = Counter({before - 1 - ago: count for ago, count in enumerate(self.recent)})
        days[0] += self.inactive
        for day, count in changes.items():
            days[day if day >= before - LISTED_DAYS else 0] += count
        return Activity.of(days, as_of)
