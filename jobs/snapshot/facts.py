"""What a snapshot's manifest says beside its files."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from stores.files.manifest import Slot

DATASET: Final = "snapshot"


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotFacts:
    """Events before `cutoff`, rows below `watermark` in `generation`.

    `entity_key_id` names the secret.
    """

    as_of: date
    cutoff: datetime
    watermark: int
    generation: int
    timelines: str
    feature_set: str
    timezone: str
    entity_key_id: str


def snapshot_slot(timelines: str, as_of: date) -> Slot:
    """Where the revisions of one day's snapshot are."""
    return Slot(DATASET, timelines, as_of.isoformat())
