"""The engine for one order while its buyer waits: plain loops over the few rows that there are."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from features_pkg.calendar import Calendar
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.definitions.missing import DISTANT, RECENT, distant_of, needs
from features_pkg.definitions.order_features import OrderContext, order_feature_values
from features_pkg.definitions.velocity import Velocity
from features_pkg.history.recent_events import RecentEvent
from features_pkg.identifiers import EVENTS, IDENTIFIERS, MERCHANT, Event, Identifier
from features_pkg.measures import MEASURES
from features_pkg.measures.inputs import EntityPast, Instants, Reader
from features_pkg.orders.order import Order
from features_pkg.timelines.read import Timeline


@dataclass(frozen=True, slots=True)
class DistantPast:
    """The timelines that one load shows of an order's entities, by (identifier, value).

    `as_of` is the load's day (ordinal). An entity that was never seen is None; one that could not
    be read is not in the mapping. The merchant's own stands under ('merchant', '').
    """

    as_of: int
    timelines: Mapping[tuple[str, str], Timeline | None]


@dataclass(frozen=True, slots=True)
class Vector:
    """The feature set's values in its order, NaN for null, and what could not be read."""

    values: list[float]
    missing: tuple[str, ...]


PastByEvent = Mapping[Event, EntityPast | None]
"""What each kind of event did for one entity; None where it never happened."""

RecentByEntity = Mapping[tuple[str, str, str], list[RecentEvent]]
"""Recent events by (identifier, value, event)."""


class Evaluator:
    """Computes the vector of a feature set; made once, used for every request.

    What it computes is fixed by `features_pkg.engines.reference`; parity tests hold the two
    together.
    """

    def __init__(self, features: FeatureSet) -> None:
        self._features = features
        self._calendar = Calendar(features.timezone)
        self._readers: dict[Identifier, list[_FeatureReader]] = {
            identifier: [] for identifier in IDENTIFIERS
        }
        for position, velocity in enumerate(features.velocities):
            reader = _FeatureReader(position, velocity, features)
            self._readers[velocity.identifier].append(reader)

    def vector(
        self,
        order: Order,
        evaluated_at_us: int,
        distant: DistantPast | None,
        recent: Iterable[RecentEvent] | None,
    ) -> Vector:
        """The values for `order` at its instant.

        `recent` holds the visible events before that instant, the order's own left out, reaching
        back 24 hours and to where the load ends. Either past is None where it could not be read.
        """
        due_day = self._calendar.due_day(evaluated_at_us, self._features.snapshot_lag)
        cutoff_us = self._calendar.cutoff_us(distant.as_of if distant else due_day)
        at = Instants(evaluated_at_us, due_day, cutoff_us)
        missing = [name for name, part in ((DISTANT, distant), (RECENT, recent)) if part is None]
        values = self._velocities(order, at, distant, _by_entity(recent or ()), missing)
        values += self._order_features(order, at, distant, missing)
        return Vector(values, tuple(missing))

    def _velocities(
        self,
        order: Order,
        at: Instants,
        distant: DistantPast | None,
        recent: RecentByEntity,
        missing: list[str],
    ) -> list[float]:
        """The value of each velocity; adds to `missing` the identifiers that could not be read."""
        values = [math.nan] * len(self._features.velocities)
        for identifier, readers in self._readers.items():
            entities = _entities(order, identifier)
            lacking = set(missing)
            if distant is not None and _any_unread(distant, identifier, entities):
                missing.append(distant_of(identifier))
                lacking.add(DISTANT)
            pasts = [_past_by_event(identifier, value, distant, recent) for value in entities]
            for reader in readers if pasts else ():
                if not (lacking and reader.needs & lacking):
                    values[reader.position] = reader.value(pasts, at)
        return values

    def _order_features(
        self, order: Order, at: Instants, distant: DistantPast | None, missing: list[str]
    ) -> list[float]:
        """The value of each order feature; adds to `missing` an unreadable merchant's history."""
        history_days = self._history_days(distant, at.due_day)
        if distant is not None and history_days is None:
            missing.append(distant_of(MERCHANT))
        context = OrderContext(order, self._calendar.local(at.at_us), history_days)
        return [math.nan if v is None else float(v) for v in order_feature_values(context)]

    def _history_days(self, distant: DistantPast | None, due_day: int) -> int | None:
        """Days from the day of the merchant's first order to the due day; None if not readable."""
        if distant is None or (MERCHANT, "") not in distant.timelines:
            return None
        timeline = distant.timelines[MERCHANT, ""]
        orders = timeline.of(Event.ORDER) if timeline else None
        return 0 if orders is None else due_day - self._calendar.day_of(orders.first_us)


class _FeatureReader:
    """Reads the velocity at `position` in the vector off the pasts of an order's entities."""

    __slots__ = ("_event", "_is_age", "_read", "needs", "position")

    def __init__(self, position: int, velocity: Velocity, features: FeatureSet) -> None:
        targets = features.timeline_targets.get((velocity.identifier, velocity.event), ())
        self.position, self.needs = position, needs(velocity)
        self._event, self._is_age = velocity.event, velocity.measure.is_age
        self._read: Reader = MEASURES[velocity.measure].one_order(velocity, targets)

    def value(self, pasts: Sequence[PastByEvent], at: Instants) -> float:
        """The greatest of the entities' values, of ages the least; never seen is 0, an age null."""
        answers = [
            answer
            for past_by_event in pasts
            if (past := past_by_event[self._event]) is not None
            and (answer := self._read(past, at)) is not None
        ]
        if not self._is_age:
            return float(max(answers)) if answers else 0.0
        return float(min(answers)) if answers else math.nan


def _past_by_event(
    identifier: Identifier, value: str, distant: DistantPast | None, recent: RecentByEntity
) -> dict[Event, EntityPast | None]:
    timeline = distant.timelines.get((identifier, value)) if distant else None
    pasts: dict[Event, EntityPast | None] = {}
    for event in EVENTS:
        events = recent.get((identifier, value, event))
        of_event = timeline.of(event) if timeline else None
        pasts[event] = EntityPast(events or (), of_event) if events or of_event else None
    return pasts


def _any_unread(distant: DistantPast, identifier: Identifier, entities: Sequence[str]) -> bool:
    return not all((identifier, value) in distant.timelines for value in entities)


def _by_entity(recent: Iterable[RecentEvent]) -> dict[tuple[str, str, str], list[RecentEvent]]:
    by_entity: dict[tuple[str, str, str], list[RecentEvent]] = {}
    for event in recent:
        by_entity.setdefault((event.identifier, event.value, event.event), []).append(event)
    return by_entity


def _entities(order: Order, identifier: Identifier) -> tuple[str, ...]:
    """The order's values of an identifier."""
    value = getattr(order, identifier)
    if identifier.several:
        return tuple(value)
    return () if value is None else (value,)
