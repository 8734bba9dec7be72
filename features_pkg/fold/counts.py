"""What timelines hold, out of states."""

from __future__ import annotations

import numpy as np

from features_pkg.array_types import Ints
from features_pkg.fold.states import OLDER, EventStates, Sightings, States
from features_pkg.timelines.counts import Counts, DayCounts, EventCounts


def counts_of(states: States) -> Counts:
    """The counts of all entities."""
    entities = len(states.base)
    events = {event: _counts_of(part, entities) for event, part in states.events.items()}
    return Counts(states.base, events)


def _counts_of(states: EventStates, entities: int) -> EventCounts:
    days = states.days
    happened = np.zeros(entities, dtype=np.bool_)
    happened[states.entity] = True
    return EventCounts(
        happened=happened,
        first_us=_spread(states.entity, states.first_us, entities),
        last_us=_spread(states.entity, states.last_us, entities),
        days=_day_counts(days.entity, days.day, days.count, entities),
        cents=days.cents[days.day != OLDER],
        older_cents=_older(days.entity, days.day, days.cents, entities),
        targets={t: _last_seen(values, entities) for t, values in states.values.items()},
    )


def _last_seen(values: Sightings, entities: int) -> DayCounts:
    """How many values were last seen on each day."""
    stride = int(values.day.max(initial=0)) + 1
    packed, count = np.unique(values.entity * stride + values.day, return_counts=True)
    entity, day = np.divmod(packed, stride)
    return _day_counts(entity, day, count, entities)


def _day_counts(entity: Ints, day: Ints, count: Ints, entities: int) -> DayCounts:
    is_listed = day != OLDER
    bounds = np.searchsorted(entity[is_listed], np.arange(entities + 1))
    return DayCounts(bounds, day[is_listed], count[is_listed], _older(entity, day, count, entities))


def _older(entity: Ints, day: Ints, numbers: Ints, entities: int) -> Ints:
    """The number that each entity has before its listed days; 0 where it has none."""
    is_older = day == OLDER
    return _spread(entity[is_older], numbers[is_older], entities)


def _spread(entity: Ints, numbers: Ints, entities: int) -> Ints:
    found = np.zeros(entities, dtype=np.int64)
    found[entity] = numbers
    return found
