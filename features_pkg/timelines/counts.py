"""What timelines hold, as arrays over all entities: days and what fell on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from features_pkg.array_types import Ints, Mask
from features_pkg.identifiers import Event, Identifier


@dataclass(frozen=True, slots=True)
class DayCounts:
    """Per entity the listed days and how many fell on each; `older` has the number of the rest.

    The listed days of entity `e`, ascending, are the slice from `bounds[e]` to `bounds[e + 1]` of
    `day` (ordinals) and `count`. An entity without a row has none, and 0 that are older.
    """

    bounds: Ints
    day: Ints
    count: Ints
    older: Ints

    @property
    def lengths(self) -> Ints:
        """How many days each entity has listed."""
        return np.diff(self.bounds)


@dataclass(frozen=True, slots=True)
class EventCounts:
    """What one kind of event did, by entity.

    `cents` has the amounts of each listed day of `days`, `older_cents` those of all older ones.
    `first_us` and `last_us` mean nothing where it never `happened`. `targets` says on which days
    the different values of each were *last* seen.
    """

    happened: Mask
    first_us: Ints
    last_us: Ints
    days: DayCounts
    cents: Ints
    older_cents: Ints
    targets: Mapping[Identifier, DayCounts]


@dataclass(frozen=True, slots=True)
class Counts:
    """All timelines of one identifier.

    `base` is the day after each entity's last event, 0 where it has none. `events` has the kinds of
    event that the timelines keep.
    """

    base: Ints
    events: Mapping[Event, EventCounts]
