"""What a snapshot says of itself."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import msgspec

from jobs.snapshot.activity import Activity
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
    full extraction that its events begin with.

    Without a `parent` it is full: it has a row of every entity. With one it is a delta, which has a
    row of each entity with an event that the parent does not have; `newcomers` of these are in no
    snapshot that it stands on. `activity` counts the entities of the whole chain.
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
    parent: Parent | None = None
    newcomers: int = 0
    activity: Activity


class _OfParent(msgspec.Struct):
    parent: Parent | None = None


def parent_in(facts: str) -> Parent | None:
    """What a delta stands on, by its facts as JSON; None of all other revisions."""
    try:
        return msgspec.json.decode(facts or "{}", type=_OfParent).parent
    except msgspec.DecodeError:
        return None


def snapshot_slot(timelines: str, as_of: date) -> Slot:
    """The slot whose revisions are the snapshots of one day."""
    return Slot(DATASET, timelines, as_of.isoformat())
