"""The features of one order while its buyer waits: plain loops over the few rows that there are."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from features_pkg.calendar import Calendar
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.definitions.missing import DISTANT, RECENT, distant_of, needs
from features_pkg.definitions.order_features import Asked, order_feature_values
from features_pkg.definitions.velocity import Measure, Past, Velocity
from features_pkg.history.recent_events import RecentEvent
from features_pkg.identifiers import EVENTS, IDENTIFIERS, MERCHANT, Event, Identifier
from features_pkg.orders.order import Order
from features_pkg.timelines.read import Line, Timeline


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


class _Kind:
    """What one event did for one entity: recent rows, oldest first, and the line before them."""

    __slots__ = ("at_us", "cents", "line", "rows")

    def __init__(self, rows: list[RecentEvent], line: Line | None) -> None:
        self.rows = sorted(rows, key=lambda row: row.at_us)
        self.at_us = [row.at_us for row in self.rows]
        self.cents = [row.amount_cents for row in self.rows]
        self.line = line

    def since(self, start_us: int) -> int:
        return bisect_left(self.at_us, start_us)


@dataclass(frozen=True, slots=True)
class _Moment:
    at_us: int
    due_day: int
    cutoff_us: int


Reading = Callable[[_Kind, _Moment], int | None]


class Evaluator:
    """Computes the vector of a feature set; made once, used for every request.

    What it computes is fixed by `features_pkg.engines.reference`; parity tests hold the two
    together.
    """

    def __init__(self, features: FeatureSet) -> None:
        self._features = features
        self._calendar = Calendar(features.timezone)
        self._plan = {
            identifier: [
                _Step(place, velocity, _reading(velocity, features))
                for place, velocity in enumerate(features.velocities)
                if velocity.identifier is identifier
            ]
            for identifier in IDENTIFIERS
        }

    def vector(
        self,
        order: Order,
        evaluated_at_us: int,
        past: DistantPast | None,
        recent: Iterable[RecentEvent] | None,
    ) -> Vector:
        """The values for `order` at its instant.

        `recent` holds the visible events before that instant, the order's own left out, reaching
        back 24 hours and to where the load ends; None where they could not be read, as `past`.
        """
        due_day = self._calendar.as_of(evaluated_at_us, self._features.snapshot_lag)
        cutoff_us = self._calendar.cutoff_us(past.as_of if past else due_day)
        moment = _Moment(evaluated_at_us, due_day, cutoff_us)
        values = [math.nan] * len(self._features.velocities)
        rows = _by_entity(recent or ())
        missing = [name for name, part in ((DISTANT, past), (RECENT, recent)) if part is None]
        for identifier, steps in self._plan.items():
            entities = _values(order, identifier)
            unread = past is not None and not all(
                (identifier, entity) in past.timelines for entity in entities
            )
            if unread:
                missing.append(distant_of(identifier))
            lacking = {*missing, DISTANT} if unread else set(missing)
            kinds = [self._kinds(identifier, entity, past, rows) for entity in entities]
            for step in steps if kinds else ():
                if not (lacking and step.needs & lacking):
                    values[step.place] = step.value(kinds, moment)
        history_days = self._history_days(past, due_day)
        if past is not None and history_days is None:
            missing.append(distant_of(MERCHANT))
        asked = Asked(order, self._calendar.local(evaluated_at_us), history_days)
        values += [math.nan if v is None else float(v) for v in order_feature_values(asked)]
        return Vector(values, tuple(missing))

    def _kinds(
        self,
        identifier: Identifier,
        entity: str,
        past: DistantPast | None,
        rows: Mapping[tuple[str, str, str], list[RecentEvent]],
    ) -> dict[Event, _Kind | None]:
        """What each event did for the entity; None where it never happened."""
        timeline = past.timelines.get((identifier, entity)) if past else None
        kinds: dict[Event, _Kind | None] = {}
        for event in EVENTS:
            mine = rows.get((identifier, entity, event))
            line = timeline.line(event) if timeline else None
            kinds[event] = _Kind(mine or [], line) if mine or line else None
        return kinds

    def _history_days(self, past: DistantPast | None, due_day: int) -> int | None:
        if past is None or (MERCHANT, "") not in past.timelines:
            return None
        timeline = past.timelines[MERCHANT, ""]
        line = timeline.line(Event.ORDER) if timeline else None
        return 0 if line is None else due_day - self._calendar.day_of(line.first_us)


class _Step:
    """One velocity's place in the vector and how it is read off."""

    __slots__ = ("_age", "_event", "_reading", "needs", "place")

    def __init__(self, place: int, velocity: Velocity, reading: Reading) -> None:
        self.place, self.needs = place, needs(velocity)
        self._event, self._age, self._reading = velocity.event, velocity.measure.is_age, reading

    def value(self, kinds: Sequence[Mapping[Event, _Kind | None]], moment: _Moment) -> float:
        answers = [
            answer
            for kind in kinds
            if (mine := kind[self._event]) is not None
            and (answer := self._reading(mine, moment)) is not None
        ]
        if not self._age:
            return float(max(answers)) if answers else 0.0
        return float(min(answers)) if answers else math.nan


def _by_entity(
    recent: Iterable[RecentEvent],
) -> dict[tuple[str, str, str], list[RecentEvent]]:
    rows: dict[tuple[str, str, str], list[RecentEvent]] = {}
    for row in recent:
        rows.setdefault((row.identifier, row.value, row.event), []).append(row)
    return rows


def _values(order: Order, identifier: Identifier) -> tuple[str, ...]:
    value = getattr(order, identifier)
    if identifier.several:
        return tuple(value)
    return () if value is None else (value,)


def _reading(velocity: Velocity, features: FeatureSet) -> Reading:
    if velocity.measure.is_age:
        return _first_age if velocity.measure is Measure.FIRST_AGE else _last_age
    if velocity.past is Past.DISTANT:
        return _distant(velocity, features)
    return _recent(velocity)


def _first_age(kind: _Kind, moment: _Moment) -> int | None:
    if kind.line is not None:
        return (moment.at_us - kind.line.first_us) // 1_000_000
    start = kind.since(moment.cutoff_us)
    return (moment.at_us - kind.at_us[start]) // 1_000_000 if start < len(kind.at_us) else None


def _last_age(kind: _Kind, moment: _Moment) -> int | None:
    if kind.at_us and kind.at_us[-1] >= moment.cutoff_us:
        return (moment.at_us - kind.at_us[-1]) // 1_000_000
    return None if kind.line is None else (moment.at_us - kind.line.last_us) // 1_000_000


def _distant(velocity: Velocity, features: FeatureSet) -> Reading:
    days = velocity.window.days if velocity.window else None
    if velocity.measure is Measure.DISTINCT:
        assert velocity.target is not None
        place = features.timeline_targets[velocity.identifier, velocity.event].index(
            velocity.target
        )
        return lambda kind, at: kind.line.distinct(place, at.due_day, days) if kind.line else 0
    if velocity.measure is Measure.AMOUNT:
        return lambda kind, at: kind.line.amount_cents(at.due_day, days) if kind.line else 0
    return lambda kind, at: kind.line.count(at.due_day, days) if kind.line else 0


def _recent(velocity: Velocity) -> Reading:
    span_us = velocity.window.span_us if velocity.window else None

    def start(kind: _Kind, at: _Moment) -> int:
        return kind.since(at.cutoff_us if span_us is None else at.at_us - span_us)

    if velocity.measure is Measure.DISTINCT:
        assert velocity.target is not None
        return _recent_distinct(velocity.target, start)
    if velocity.measure is Measure.AMOUNT:
        return lambda kind, at: sum(kind.cents[start(kind, at) :])
    return lambda kind, at: len(kind.rows) - start(kind, at)


def _recent_distinct(target: Identifier, start: Callable[[_Kind, _Moment], int]) -> Reading:
    name = str(target)

    def distinct(kind: _Kind, at: _Moment) -> int:
        if not kind.rows:
            return 0
        named = (getattr(row, name) for row in kind.rows[start(kind, at) :])
        if target.several:
            return len({value for values in named for value in values or ()})
        return len({value for value in named if value is not None})

    return distinct
