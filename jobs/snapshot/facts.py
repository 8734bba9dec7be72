"""What a snapshot says of itself."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from stores.offline.runs import Slot

DATASET: Final = "snapshots"
PARTITION: Final = "as_of"


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotFacts:
    """The snapshot has the events before `cutoff`, in rows below `watermark` of `generation`.

    `entity_key_id` names the secret that its entity keys were made with. `series` is the run of the
    full extraction that its events begin with. `copied_from` names the snapshot whose rows these
    are; None says that they were built of the events.
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


def snapshot_slot(timelines: str, as_of: date) -> Slot:
    """The slot whose revisions are the snapshots of one day."""
    return Slot(DATASET, timelines, as_of.isoformat())
