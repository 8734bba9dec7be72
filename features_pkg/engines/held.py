"""The engine for one order with an entity of which most of the recent past is held in arrays."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Final

from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.definitions.missing import DISTANT, distant_of, needs
from features_pkg.definitions.velocity import Measure, Past, Velocity
from features_pkg.engines.held_past import HeldPast
from features_pkg.history.held_events import NO_EVENTS, HeldEvents
from features_pkg.history.recent_events import RecentEvent
from features_pkg.identifiers import EVENTS, Event, Identifier
from features_pkg.measures.age import SECOND_US
from features_pkg.measures.inputs import Instants
from features_pkg.timelines.read import Timeline

HeldByEntity = Mapping[tuple[str, str, str], HeldEvents]
"""Held events by (identifier, value, event)."""

_Reader = Callable[[HeldPast, Instants], int | None]


class HeldVelocities:
    """Computes the velocities that look at the recent past, of identifiers with a held entity.

    They are what `features_pkg.engines.one_order` computes from all events; a parity test holds the
    two together.
    """

    def __init__(self, features: FeatureSet) -> None:
        self._readers: dict[Identifier, list[_VelocityReader]] = {}
        for position, velocity in enumerate(features.velocities):
            if velocity.past is Past.RECENT or velocity.measure.is_age:
                reader = _VelocityReader(position, velocity)
                self._readers.setdefault(velocity.identifier, []).append(reader)

    def replace(
        self,
        values: list[float],
        entities: Mapping[Identifier, Sequence[str]],
        at: Instants,
        parts: Parts,
        missing: Collection[str],
    ) -> None:
        """Put the values of identifiers that have a held entity into a vector.

        `entities` are the order's, by identifier; `missing` is what could not be read.
        """
        for identifier in {Identifier(name) for name, _, _ in parts.held}:
            lacking = {DISTANT} & set(missing)
            if distant_of(identifier) in missing:
                lacking.add(DISTANT)
            pasts = [parts.past_by_event(identifier, value) for value in entities[identifier]]
            for reader in self._readers.get(identifier, ()):
                if not reader.needs & lacking:
                    values[reader.position] = reader.value(pasts, at)


class Parts:
    """All parts of the past of one order's entities."""

    def __init__(
        self,
        held: HeldByEntity,
        recent: Iterable[RecentEvent],
        timelines: Mapping[tuple[str, str], Timeline | None],
    ) -> None:
        self.held, self._timelines = held, timelines
        self._recent: dict[tuple[str, str, str], list[RecentEvent]] = {}
        for event in recent:
            self._recent.setdefault((event.identifier, event.value, event.event), []).append(event)

    def past_by_event(self, identifier: Identifier, value: str) -> dict[Event, HeldPast]:
        """What each kind of event did for one entity."""
        timeline = self._timelines.get((identifier, value))
        return {
            event: HeldPast(
                self.held.get((identifier, value, event), NO_EVENTS),
                self._recent.get((identifier, value, event), ()),
                timeline.of(event) if timeline else None,
            )
            for event in EVENTS
        }


class _VelocityReader:
    """Reads the velocity at `position` in the vector off the pasts of an order's entities."""

    __slots__ = ("_event", "_is_age", "_read", "needs", "position")

    def __init__(self, position: int, velocity: Velocity) -> None:
        self.position, self.needs = position, needs(velocity)
        self._event, self._is_age = velocity.event, velocity.measure.is_age
        self._read = _READERS[velocity.measure](velocity)

    def value(self, pasts: Sequence[Mapping[Event, HeldPast]], at: Instants) -> float:
        """The greatest of the entities' values, of ages the least that is not null."""
        found = [self._read(past_by_event[self._event], at) for past_by_event in pasts]
        answers = [answer for answer in found if answer is not None]
        if not answers:
            return math.nan
        return float(min(answers) if self._is_age else max(answers))


def _start_us(velocity: Velocity, at: Instants) -> int:
    span_us = velocity.window.span_us if velocity.window else None
    return at.cutoff_us if span_us is None else at.at_us - span_us


def _count(velocity: Velocity) -> _Reader:
    return lambda past, at: past.count(_start_us(velocity, at))


def _distinct(velocity: Velocity) -> _Reader:
    target = velocity.target
    assert target is not None  # the definition refuses a distinct count without one
    return lambda past, at: past.distinct(target, _start_us(velocity, at))


def _amount_cents(velocity: Velocity) -> _Reader:
    return lambda past, at: past.amount_cents(_start_us(velocity, at))


def _first_age(_: Velocity) -> _Reader:
    def read(past: HeldPast, at: Instants) -> int | None:
        if past.timeline is not None:
            return _age(past.timeline.first_us, at)
        return _age(past.first_us(at.cutoff_us), at)

    return read


def _last_age(_: Velocity) -> _Reader:
    def read(past: HeldPast, at: Instants) -> int | None:
        last_us = past.last_us(at.cutoff_us)
        if last_us is None and past.timeline is not None:
            last_us = past.timeline.last_us
        return _age(last_us, at)

    return read


def _age(event_us: int | None, at: Instants) -> int | None:
    return None if event_us is None else (at.at_us - event_us) // SECOND_US


_READERS: Final[Mapping[Measure, Callable[[Velocity], _Reader]]] = {
    Measure.COUNT: _count,
    Measure.DISTINCT: _distinct,
    Measure.AMOUNT: _amount_cents,
    Measure.FIRST_AGE: _first_age,
    Measure.LAST_AGE: _last_age,
}
