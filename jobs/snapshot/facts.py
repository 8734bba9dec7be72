"""What a snapshot says of itself."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from stores.offline.runs import Slot

DATASET: Final = "snapshots"
PARTITION: Final = "as_of"


@dataclass(frozen=True, slots=True)
class Parent:
    """The snapshot that a delta stands on: the name of its revision, and its Iceberg snapshot."""

    revision: str
    snapshot_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotFacts:
    """The snapshot has the events before `cutoff`, in rows below `watermark` of `generation`.

    `entity_key_id` names the secret that its entity keys were made with. `series` is the run of the
    full extraction that its events begin with. `copied_from` names the snapshot whose rows these
    are; None says that they were built of the events.

    Without a `parent` it is full: it has a row of every entity. With one it is a delta, which has a
    row of each entity with an event that the parent does not have; `newcomers` of these are in no
    snapshot that it stands on.
    """

    as_of: date
    cutoff: datetime
    watermark: int
    generation: int
    timelines: str
    feature_set: str
    timezone: str
    entity_key_id: str
    series: str
    copied_from: str | None = None
    parent: Parent | None = None
    newcomers: int = 0


def snapshot_slot(timelines: str, as_of: date) -> Slot:
    """The slot whose revisions are the snapshots of one day."""
    return Slot(DATASET, timelines, as_of.isoformat())
