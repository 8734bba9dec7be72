"""Reads the velocities of one identifier and kind of event off the past of an order's entities."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.definitions.missing import needs
from features_pkg.definitions.velocity import Past
from features_pkg.identifiers import Event, Identifier
from features_pkg.measures import MEASURES
from features_pkg.measures.inputs import EntityPast, Instants, Reader


class FeatureReader(NamedTuple):
    """Reads the velocity at `position` in the vector off the past of one entity."""

    position: int
    needs: frozenset[str]
    read: Reader


@dataclass(frozen=True, slots=True)
class EventReader:
    """Reads all velocities of one identifier and kind of event, each of its pasts by itself.

    Most entities lack one past or the other: what is read there would be 0, so nobody reads it.
    """

    event: Event
    recent: Sequence[FeatureReader]
    distant: Sequence[FeatureReader]
    ages: Sequence[FeatureReader]

    @classmethod
    def of(cls, identifier: Identifier, event: Event, features: FeatureSet) -> EventReader:
        """The reader of a feature set's velocities."""
        targets = features.timeline_targets.get((identifier, event), ())
        readers: dict[Past | None, list[FeatureReader]] = {
            past: [] for past in (Past.RECENT, Past.DISTANT, None)
        }
        for position, velocity in enumerate(features.velocities):
            if (velocity.identifier, velocity.event) == (identifier, event):
                read = MEASURES[velocity.measure].one_order(velocity, targets)
                reader = FeatureReader(position, needs(velocity), read)
                readers[velocity.past].append(reader)
        return cls(event, readers[Past.RECENT], readers[Past.DISTANT], readers[None])

    def without(self, lacking: Collection[str]) -> EventReader:
        """The reader of those velocities that need nothing of what is lacking."""
        parts = (self.recent, self.distant, self.ages)
        left = ([each for each in part if each.needs.isdisjoint(lacking)] for part in parts)
        return EventReader(self.event, *left)

    def read_distant(self, values: list[float], pasts: Sequence[EntityPast], at: Instants) -> None:
        """Write the velocities of the distant past, from all entities that have one."""
        _begin(values, self.distant)
        for past in pasts:
            if past.timeline is not None:
                _keep_greatest(values, self.distant, past, at)

    def read_recent(self, values: list[float], pasts: Sequence[EntityPast], at: Instants) -> None:
        """Write the velocities of the recent past, and the ages: a newer event counts for these."""
        _begin(values, self.recent)
        for past in pasts:
            if past.events:
                _keep_greatest(values, self.recent, past, at)
            for position, _, read in self.ages:
                age = read(past, at)
                if age is not None and not values[position] <= age:  # NaN is not less, either
                    values[position] = float(age)


def _begin(values: list[float], readers: Sequence[FeatureReader]) -> None:
    """Write what an order has whose entities were never seen: 0; an age stays null."""
    for position, _, _ in readers:
        values[position] = 0.0


def _keep_greatest(
    values: list[float], readers: Sequence[FeatureReader], past: EntityPast, at: Instants
) -> None:
    """Of an order's several products the greatest value counts."""
    for position, _, read in readers:
        value = read(past, at)
        if value is not None and value > values[position]:
            values[position] = float(value)
