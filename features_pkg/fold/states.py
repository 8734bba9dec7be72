"""States of many entities at once, as flat arrays, and how they are merged.

A single event is a state too: that of an entity which did nothing else. So folding events, merging
states, and adding events to states are one function, `fold`. It adds counts and amounts by day,
takes the first and the last of instants and the last day of each value. What lies before the
listed days of an entity (`timelines/read.py`) falls together on one day, `OLDER`: listed days only
ever move on, so nothing comes back from there but a value that is seen again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from features_pkg.array_types import Ints, Mask
from features_pkg.calendar import Calendar
from features_pkg.history.events import TargetValues
from features_pkg.history.sorted_events import by_code
from features_pkg.identifiers import Event, Identifier
from features_pkg.timelines.read import LISTED_DAYS

OLDER: Final = 0
"""Stands for all days before the listed ones."""


@dataclass(frozen=True, slots=True)
class DaySums:
    """On its day, so many events of an entity and their cents; by entity, then day."""

    entity: Ints
    day: Ints
    count: Ints
    cents: Ints


@dataclass(frozen=True, slots=True)
class Sightings:
    """The day on which an entity's value was last seen; by entity, then code."""

    entity: Ints
    code: Ints
    """The first 8 bytes of the value's key, as a number."""
    day: Ints


@dataclass(frozen=True, slots=True)
class EventStates:
    """What one kind of event did to the entities that have it, `entity` in ascending order."""

    entity: Ints
    first_us: Ints
    last_us: Ints
    days: DaySums
    values: Mapping[Identifier, Sightings]


@dataclass(frozen=True, slots=True)
class States:
    """The states of the entities 0, 1, ... of one identifier.

    `base` is the day after each one's last event, 0 where it has none.
    """

    base: Ints
    events: Mapping[Event, EventStates]


@dataclass(frozen=True, slots=True)
class SingleEvents:
    """Events of one kind, each the only one of an entity, which are given in ascending order.

    The `event` of a target's value is an index into these columns.
    """

    entity: Ints
    at_us: Ints
    amount_cents: Ints
    targets: Mapping[Identifier, TargetValues]


def states_of(events: Mapping[Event, SingleEvents], entities: int, calendar: Calendar) -> States:
    """The states of entities with one event each."""
    base = np.zeros(entities, dtype=np.int64)
    states = {}
    for event, single in events.items():
        day = calendar.days_of(single.at_us)
        base[single.entity] = day + 1
        once = np.ones_like(day)
        states[event] = EventStates(
            single.entity,
            single.at_us,
            single.at_us,
            DaySums(single.entity, day, once, single.amount_cents),
            {
                target: Sightings(single.entity[values.event], values.code, day[values.event])
                for target, values in single.targets.items()
            },
        )
    return States(base, states)


def concatenated(parts: Sequence[States]) -> States:
    """The entities of all parts, one part after the other; each part keeps the same of them."""
    starts = np.cumsum([0, *(len(part.base) for part in parts)])[:-1].tolist()
    return States(
        np.concatenate([part.base for part in parts]),
        {
            event: _concatenated([part.events[event] for part in parts], starts)
            for event in parts[0].events
        },
    )


def _concatenated(parts: Sequence[EventStates], starts: Sequence[int]) -> EventStates:
    pairs = list(zip(parts, starts, strict=True))
    return EventStates(
        np.concatenate([part.entity + start for part, start in pairs]),
        np.concatenate([part.first_us for part in parts]),
        np.concatenate([part.last_us for part in parts]),
        DaySums(
            np.concatenate([part.days.entity + start for part, start in pairs]),
            np.concatenate([part.days.day for part in parts]),
            np.concatenate([part.days.count for part in parts]),
            np.concatenate([part.days.cents for part in parts]),
        ),
        {
            target: Sightings(
                np.concatenate([part.values[target].entity + start for part, start in pairs]),
                np.concatenate([part.values[target].code for part in parts]),
                np.concatenate([part.values[target].day for part in parts]),
            )
            for target in parts[0].values
        },
    )


def fold(states: States, entity: Ints, entities: int) -> States:
    """The states of `entities`: that of `e` is merged from all whose `entity` is `e`."""
    base = np.zeros(entities, dtype=np.int64)
    np.maximum.at(base, entity, states.base)
    return States(
        base, {event: _fold_event(part, entity, base) for event, part in states.events.items()}
    )


def first_alone(states: States, calendar: Calendar) -> States:
    """The states of the same entities as if each had its first order alone, and that for nothing.

    That of a merchant: it only says when the history begins.
    """
    orders = states.events[Event.ORDER]
    nothing = np.zeros_like(orders.first_us)
    first = SingleEvents(orders.entity, orders.first_us, nothing, {})
    return states_of({Event.ORDER: first}, len(states.base), calendar)


def _fold_event(states: EventStates, entity: Ints, base: Ints) -> EventStates:
    first_us = np.full(len(base), np.iinfo(np.int64).max)
    last_us = np.full(len(base), np.iinfo(np.int64).min)
    np.minimum.at(first_us, entity[states.entity], states.first_us)
    np.maximum.at(last_us, entity[states.entity], states.last_us)
    happened = np.flatnonzero(first_us <= last_us)
    return EventStates(
        happened,
        first_us[happened],
        last_us[happened],
        _add_days(states.days, entity, base),
        {target: _newest(values, entity, base) for target, values in states.values.items()},
    )


def _add_days(days: DaySums, entity: Ints, base: Ints) -> DaySums:
    entity = entity[days.entity]
    day = _listed(days.day, base[entity])
    stride = int(day.max(initial=0)) + 1
    packed = entity * stride + day
    order = np.argsort(packed)
    packed = packed[order]
    starts = _starts(packed[1:] != packed[:-1], len(packed))
    entity, day = np.divmod(packed[starts], stride)
    count, cents = (_reduced(np.add, column[order], starts) for column in (days.count, days.cents))
    return DaySums(entity, day, count, cents)


def _newest(values: Sightings, entity: Ints, base: Ints) -> Sightings:
    entity = entity[values.entity]
    by_value = np.argsort(values.code)
    order = by_value[by_code(entity[by_value])]
    entity, code = entity[order], values.code[order]
    starts = _starts((entity[1:] != entity[:-1]) | (code[1:] != code[:-1]), len(code))
    entity, code = entity[starts], code[starts]
    day = _reduced(np.maximum, values.day[order], starts)
    return Sightings(entity, code, _listed(day, base[entity]))


def _listed(day: Ints, base: Ints) -> Ints:
    """Each day, `OLDER` if it is none of the listed ones."""
    return np.where(day < base - LISTED_DAYS, OLDER, day)


def _starts(differs: Mask, rows: int) -> Ints:
    """Where a run of equal rows begins; `differs` says of each but the first if it does."""
    return np.flatnonzero(np.concatenate(([True], differs))[:rows])


def _reduced(function: np.ufunc, column: Ints, starts: Ints) -> Ints:
    return np.asarray(function.reduceat(column, starts)) if len(starts) else column[:0]
