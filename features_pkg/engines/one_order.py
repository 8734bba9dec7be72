"""The engine for one order while its buyer waits: plain loops over the few rows that there are."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from features_pkg.calendar import Calendar
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.definitions.missing import DISTANT, RECENT, distant_of, needs
from features_pkg.definitions.order_features import OrderContext, order_feature_values
from features_pkg.definitions.velocity import Past
from features_pkg.engines.held import HeldByEntity, HeldVelocities, Parts
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
        self._readers = {
            identifier: [_EventReader.of(identifier, event, features) for event in EVENTS]
            for identifier in IDENTIFIERS
        }
        self._held = HeldVelocities(features)

    def vector(
        self,
        order: Order,
        evaluated_at_us: int,
        distant: DistantPast | None,
        recent: Collection[RecentEvent] | None,
        held: HeldByEntity | None = None,
    ) -> Vector:
        """The values for `order` at its instant.

        `recent` holds the visible events before that instant, the order's own left out, reaching
        back 24 hours and to where the load ends. Either past is None where it could not be read.
        `held` has further such events of some entities, all of them before that instant, too.
        """
        due_day = self._calendar.due_day(evaluated_at_us, self._features.snapshot_lag)
        cutoff_us = self._calendar.cutoff_us(distant.as_of if distant else due_day)
        at = Instants(evaluated_at_us, due_day, cutoff_us)
        missing = [name for name, part in ((DISTANT, distant), (RECENT, recent)) if part is None]
        values = self._velocities(order, at, distant, _by_entity(recent or ()), missing)
        if held and recent is not None:
            parts = Parts(held, recent, distant.timelines if distant else {})
            entities = {identifier: _entities(order, identifier) for identifier in IDENTIFIERS}
            self._held.replace(values, entities, at, parts, missing)
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
            if not entities:
                continue
            lacking = set(missing)
            if distant is not None and _any_unread(distant, identifier, entities):
                missing.append(distant_of(identifier))
                lacking.add(DISTANT)
            for reader in readers:
                its_reader = reader.without(lacking) if lacking else reader
                its_reader.begin(values)
                for value in entities:
                    past = _past(identifier, value, reader.event, distant, recent)
                    if past is not None:
                        its_reader.read(values, past, at)
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


class _FeatureReader(NamedTuple):
    """Reads the velocity at `position` in the vector off the past of one entity."""

    position: int
    needs: frozenset[str]
    read: Reader


@dataclass(frozen=True, slots=True)
class _EventReader:
    """Reads all velocities of one identifier and kind of event.

    Most entities lack one past or the other: what is read there would be 0, so nobody reads it.
    """

    event: Event
    recent: Sequence[_FeatureReader]
    distant: Sequence[_FeatureReader]
    ages: Sequence[_FeatureReader]
    windowed: Sequence[int] = field(init=False)
    """The positions of all but the ages."""

    def __post_init__(self) -> None:
        positions = [each.position for each in (*self.recent, *self.distant)]
        object.__setattr__(self, "windowed", positions)

    @classmethod
    def of(cls, identifier: Identifier, event: Event, features: FeatureSet) -> _EventReader:
        """The reader of a feature set's velocities."""
        targets = features.timeline_targets.get((identifier, event), ())
        readers: dict[Past | None, list[_FeatureReader]] = {
            past: [] for past in (Past.RECENT, Past.DISTANT, None)
        }
        for position, velocity in enumerate(features.velocities):
            if (velocity.identifier, velocity.event) == (identifier, event):
                read = MEASURES[velocity.measure].one_order(velocity, targets)
                reader = _FeatureReader(position, needs(velocity), read)
                readers[velocity.past].append(reader)
        return cls(event, readers[Past.RECENT], readers[Past.DISTANT], readers[None])

    def without(self, lacking: set[str]) -> _EventReader:
        """The reader of those velocities that need nothing of what is lacking."""
        parts = (self.recent, self.distant, self.ages)
        left = ([each for each in part if not each.needs & lacking] for part in parts)
        return _EventReader(self.event, *left)

    def begin(self, values: list[float]) -> None:
        """Write what an order has whose entities were never seen: 0; an age stays null."""
        for position in self.windowed:
            values[position] = 0.0

    def read(self, values: list[float], past: EntityPast, at: Instants) -> None:
        """Write what one more entity makes of them: the greatest value counts, the least age."""
        if past.events:
            _keep_greatest(values, self.recent, past, at)
        if past.timeline is not None:
            _keep_greatest(values, self.distant, past, at)
        for position, _, read in self.ages:
            age = read(past, at)
            if age is not None and not values[position] <= age:  # NaN is not less, either
                values[position] = float(age)


def _keep_greatest(
    values: list[float], readers: Sequence[_FeatureReader], past: EntityPast, at: Instants
) -> None:
    for position, _, read in readers:
        value = read(past, at)
        if value is not None and value > values[position]:
            values[position] = float(value)


def _past(
    identifier: Identifier,
    value: str,
    event: Event,
    distant: DistantPast | None,
    recent: RecentByEntity,
) -> EntityPast | None:
    """What one kind of event did for one entity; None where it never happened."""
    timeline = distant.timelines.get((identifier, value)) if distant else None
    of_event = timeline.of(event) if timeline else None
    events = recent.get((identifier, value, event))
    return EntityPast(events or (), of_event) if events or of_event else None


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
