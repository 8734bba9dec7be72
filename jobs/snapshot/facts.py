"""What a snapshot says of itself, and the table of all snapshots of the same timelines."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import pyarrow as pa

from features_pkg.shuffle import TIMELINES
from stores.offline.runs import Slot
from stores.offline.tables import TableDefinition, documented

DATASET: Final = "snapshots"
PARTITION: Final = "as_of"
SNAPSHOTS: Final = TableDefinition(
    columns=documented(
        pa.schema([(PARTITION, pa.date32()), *TIMELINES]),
        {
            PARTITION: "The first civil day that is not counted; every event before it is.",
            "entity": "The keyed hash of one value of an identifier at one merchant, 24 bytes.",
            "identifier": "Which identifier it is a value of, such as document; or merchant.",
            "timeline": "What Redis holds of the entity: bytes that only Ontem reads.",
        },
    ),
    doc="What every entity did before a day. One row per entity and day; one partition per day.",
    partition=PARTITION,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotFacts:
    """The snapshot has the events before `cutoff`, in rows below `watermark` of `generation`.

    `entity_key_id` names the secret that its entity keys were made with.
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
    """The slot whose revisions are the snapshots of one day."""
    return Slot(DATASET, timelines, as_of.isoformat())
