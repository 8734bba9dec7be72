"""The engine for one order while its buyer waits: plain loops over the few rows that there are."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from features_pkg.calendar import Calendar
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.definitions.missing import DISTANT, RECENT, distant_of
from features_pkg.definitions.order_features import OrderContext, order_feature_values
from features_pkg.engines.derivation import derived_values
from features_pkg.engines.event_reader import EventReader
from features_pkg.engines.held import HeldByEntity, HeldVelocities, Parts
from features_pkg.history.recent_events import RecentEvent
from features_pkg.identifiers import EVENTS, IDENTIFIERS, MERCHANT, Event, Identifier
from features_pkg.measures.inputs import EntityPast, Instants
from features_pkg.orders.order import Order
from features_pkg.timelines.read import EventTimeline, Timeline


@dataclass(frozen=True, slots=True)
class DistantPast:
    """The timelines that one load shows of an order's entities, by (identifier, value).

    `as_of` is the load's day (ordinal). An entity that was never seen is None; one that could not
    be read is not in the mapping. The merchant's own stands under ('merchant', '').
    """

    as_of: int
    timelines: Mapping[tuple[str, str], Timeline | None]

    def event_timeline(self, identifier: str, value: str, event: Event) -> EventTimeline | None:
        """What one kind of event did for an entity; None where it never happened."""
        timeline = self.timelines.get((identifier, value))
        return timeline.of(event) if timeline else None


@dataclass(frozen=True, slots=True)
class Vector:
    """The feature set's values in its order, NaN for null, and what could not be read."""

    values: list[float]
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BegunVector:
    """The part of a vector that needs no recent past."""

    at: Instants
    entities: Mapping[Identifier, Sequence[str]]
    distant: DistantPast | None
    velocities: Sequence[float]
    order_features: Sequence[float]
    unread: tuple[str, ...]
    """Whose distant past could not be read, although others' could: such as `distant:card`."""


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
            identifier: [EventReader.of(identifier, event, features) for event in EVENTS]
            for identifier in IDENTIFIERS
        }
        self._held = HeldVelocities(features)
        self._derived = derived_values(features.derived, features.names)

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
        return self.finish(self.begin(order, evaluated_at_us, distant), recent, held)

    def begin(self, order: Order, evaluated_at_us: int, distant: DistantPast | None) -> BegunVector:
        """The part that can be computed while the recent past is read."""
        due_day = self._calendar.due_day(evaluated_at_us, self._features.snapshot_lag)
        cutoff_us = self._calendar.cutoff_us(distant.as_of if distant else due_day)
        at = Instants(evaluated_at_us, due_day, cutoff_us)
        entities = {identifier: _entities(order, identifier) for identifier in IDENTIFIERS}
        values = [math.nan] * len(self._features.velocities)
        unread = []
        for identifier, readers in self._readers.items():
            if distant is None or not entities[identifier]:
                continue
            if _any_unread(distant, identifier, entities[identifier]):
                unread.append(distant_of(identifier))
                continue
            for reader in readers:
                pasts = _pasts(identifier, entities[identifier], reader.event, distant, {})
                reader.read_distant(values, pasts, at)
        history_days = self._history_days(distant, due_day)
        if distant is not None and history_days is None:
            unread.append(distant_of(MERCHANT))
        context = OrderContext(order, self._calendar.local(evaluated_at_us), history_days)
        order_features = [
            math.nan if v is None else float(v) for v in order_feature_values(context)
        ]
        return BegunVector(at, entities, distant, values, order_features, tuple(unread))

    def finish(
        self,
        begun: BegunVector,
        recent: Collection[RecentEvent] | None,
        held: HeldByEntity | None = None,
    ) -> Vector:
        """The whole vector; `recent` and `held` are as in `vector`."""
        distant = begun.distant
        lacking = [name for name, part in ((DISTANT, distant), (RECENT, recent)) if part is None]
        missing = (*lacking, *begun.unread)
        values = self._with_recent(begun, _by_entity(recent or ()), lacking)
        if held and recent is not None:
            parts = Parts(held, recent, distant.timelines if distant else {})
            self._held.replace(values, begun.entities, begun.at, parts, missing)
        values += begun.order_features
        return Vector([*values, *self._derived(values)], missing)

    def _with_recent(
        self, begun: BegunVector, recent: RecentByEntity, lacking: Sequence[str]
    ) -> list[float]:
        """All velocities: also those of the recent past that need nothing that is lacking."""
        values = list(begun.velocities)
        for identifier, readers in self._readers.items():
            entities = begun.entities[identifier]
            if not entities:
                continue
            its_lacking = [*lacking, DISTANT] if distant_of(identifier) in begun.unread else lacking
            for reader in readers:
                its_reader = reader.without(its_lacking) if its_lacking else reader
                pasts = _pasts(identifier, entities, reader.event, begun.distant, recent)
                its_reader.read_recent(values, pasts, begun.at)
        return values

    def _history_days(self, distant: DistantPast | None, due_day: int) -> int | None:
        """Days from the day of the merchant's first order to the due day; None if not readable."""
        if distant is None or (MERCHANT, "") not in distant.timelines:
            return None
        orders = distant.event_timeline(MERCHANT, "", Event.ORDER)
        return 0 if orders is None else due_day - self._calendar.day_of(orders.first_us)


def _pasts(
    identifier: Identifier,
    entities: Sequence[str],
    event: Event,
    distant: DistantPast | None,
    recent: RecentByEntity,
) -> list[EntityPast]:
    """What one kind of event did for those entities for which it ever happened."""
    pasts = []
    for value in entities:
        timeline = distant.event_timeline(identifier, value, event) if distant else None
        events = recent.get((identifier, value, event))
        if events or timeline:
            pasts.append(EntityPast(events or (), timeline))
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
