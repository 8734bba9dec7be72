"""Features read off the timelines of a day, with what a request reads them with."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.definitions.velocity import Past, Velocity
from features_pkg.identifiers import Identifier
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

    velocities: tuple[Velocity, ...]
    readers: tuple[ReadOff, ...]

    @classmethod
    def of(
        cls, features: FeatureSet, names: Iterable[str], day: int, cutoff_us: int
    ) -> "DayFeatures":
        """The readers for a question at the day's first instant. Raises FeatureUnknown, NotOfDay.

        `day` is an ordinal.
        """
        wanted = [names] if isinstance(names, str) else list(names)
        velocities = tuple(_of_day(features, name) for name in wanted)
        at = Instants(cutoff_us, day, cutoff_us)
        return cls(velocities, tuple(_reader(features, each, at) for each in velocities))

    @property
    def identifiers(self) -> tuple[str, ...]:
        """The identifiers of the features."""
        return tuple(dict.fromkeys(str(each.identifier) for each in self.velocities))

    @property
    def schema(self) -> pa.Schema:
        """The key and the identifier of an entity, and the features."""
        return pa.schema([*KEYS, *((each.name, pa.int64()) for each in self.velocities)])

    def read_off(self, rows: pa.Table) -> pa.Table:
        """The features of each row; null where the entity is of another identifier."""
        identifiers = rows["identifier"].to_pylist()
        timelines = [decode(content) for content in rows["timeline"].to_pylist()]
        columns: list[Sequence[int | None]] = [
            [
                read(timeline) if identifier == velocity.identifier else None
                for identifier, timeline in zip(identifiers, timelines, strict=True)
            ]
            for velocity, read in zip(self.velocities, self.readers, strict=True)
        ]
        arrays = [pa.array(column, pa.int64()) for column in columns]
        return pa.table([rows["entity"], rows["identifier"], *arrays], schema=self.schema)


def _of_day(features: FeatureSet, name: str) -> Velocity:
    feature = definition_of(features, name)
    if isinstance(feature, str):
        raise NotOfDay(name=name, reason="it is a feature of an order, and a snapshot has entities")
    if feature.past is Past.RECENT:
        raise NotOfDay(name=name, reason="it is of the recent past, and a snapshot ends at its day")
    return feature


def _reader(features: FeatureSet, velocity: Velocity, at: Instants) -> ReadOff:
    """What reads a velocity off one timeline; 0, or null for an age, where nothing happened."""
    targets = features.timeline_targets.get((Identifier(velocity.identifier), velocity.event), ())
    read = MEASURES[velocity.measure].one_order(velocity, targets)
    never = None if velocity.measure.is_age else 0

    def read_off(timeline: Timeline) -> int | None:
        past = timeline.of(velocity.event)
        return never if past is None else read(EntityPast((), past), at)

    return read_off
