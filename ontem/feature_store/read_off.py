"""Features read off the timelines of a day, with what a request reads them with."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from features_pkg.definitions.derived import Derived
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.definitions.velocity import Past, Velocity
from features_pkg.engines.arrays.columns import derived_columns
from features_pkg.measures import MEASURES
from features_pkg.measures.inputs import EntityPast, Instants
from features_pkg.timelines.read import Timeline, decode
from ontem.feature_store.errors import NotOfDay
from ontem.feature_store.features import definition_of

KEYS: Final = pa.schema([("entity", pa.binary()), ("identifier", pa.string())])
ReadOff = Callable[[Timeline], int | None]


@dataclass(frozen=True, slots=True)
class DayFeatures:
    """What reads some features off the timelines of a day; a past without a timeline is empty."""

    features: tuple[Velocity | Derived, ...]
    readers: dict[Velocity, ReadOff]
    """Of each velocity that is a feature, or that one of them reads."""

    @classmethod
    def of(
        cls, features: FeatureSet, names: Iterable[str], day: int, cutoff_us: int
    ) -> "DayFeatures":
        """The readers for a question at the day's first instant. Raises FeatureUnknown, NotOfDay.

        `day` is an ordinal.
        """
        wanted = [names] if isinstance(names, str) else list(names)
        found = tuple(_of_day(features, name) for name in wanted)
        at = Instants(cutoff_us, day, cutoff_us)
        velocities = (each for feature in found for each in _velocities(feature))
        return cls(found, {each: _reader(features, each, at) for each in velocities})

    @property
    def identifiers(self) -> tuple[str, ...]:
        """The identifiers of the features."""
        return tuple(dict.fromkeys(str(each.identifier) for each in self.readers))

    @property
    def schema(self) -> pa.Schema:
        """The key and the identifier of an entity, and the features."""
        kinds = [
            (each.name, pa.float64() if isinstance(each, Derived) else pa.int64())
            for each in self.features
        ]
        return pa.schema([*KEYS, *kinds])

    def read_off(self, rows: pa.Table) -> pa.Table:
        """The features of each row; null where the entity is of another identifier."""
        identifiers = rows["identifier"].to_pylist()
        timelines = [decode(content) for content in rows["timeline"].to_pylist()]
        columns: dict[str, pa.Array] = {}
        for velocity, read in self.readers.items():
            values = [
                read(timeline) if identifier == velocity.identifier else None
                for identifier, timeline in zip(identifiers, timelines, strict=True)
            ]
            columns[velocity.name] = pa.array(values, pa.int64())
        derived = [each for each in self.features if isinstance(each, Derived)]
        columns |= derived_columns(derived, columns)
        arrays = [columns[each.name] for each in self.features]
        return pa.table([rows["entity"], rows["identifier"], *arrays], schema=self.schema)


def _of_day(features: FeatureSet, name: str) -> Velocity | Derived:
    feature = definition_of(features, name)
    reads = feature.operands if isinstance(feature, Derived) else (feature,)
    if isinstance(feature, str) or any(isinstance(each, str) for each in reads):
        raise NotOfDay(name=name, reason="it is of an order, and a snapshot has entities")
    velocities = _velocities(feature)
    if any(each.past is Past.RECENT for each in velocities):
        raise NotOfDay(name=name, reason="it is of the recent past, and a snapshot ends at its day")
    if len({each.identifier for each in velocities}) > 1:
        raise NotOfDay(name=name, reason="it reads two identifiers, and an entity is of one")
    return feature


def _velocities(feature: Velocity | Derived) -> tuple[Velocity, ...]:
    return feature.velocities if isinstance(feature, Derived) else (feature,)


def _reader(features: FeatureSet, velocity: Velocity, at: Instants) -> ReadOff:
    """What reads a velocity off one timeline; 0, or null for an age, where nothing happened."""
    targets = features.timeline_targets.get((velocity.identifier, velocity.event), ())
    read = MEASURES[velocity.measure].one_order(velocity, targets)
    never = None if velocity.measure.is_age else 0

    def read_off(timeline: Timeline) -> int | None:
        past = timeline.of(velocity.event)
        return never if past is None else read(EntityPast((), past), at)

    return read_off
