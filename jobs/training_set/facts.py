"""What a training set says of itself, and the table of all that have the same features."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from stores.offline.revisions import read_revision, tagged_revisions
from stores.offline.runs import Slot
from stores.offline.tables import OfflineStore, find_table

DATASET: Final = "training_sets"


@dataclass(frozen=True, slots=True)
class LabelCounts:
    """How many orders have each label, and how many have none for each reason."""

    charged_back: int
    honest: int
    too_young: int
    charged_back_late: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSetFacts:
    """The period `[first_day, end_day)` of local days, and everything its rows depend on.

    `cutoff` is the first instant of `end_day`. The rows were recorded below `watermark_key`.
    `features` are the feature columns in order.
    """

    first_day: date
    end_day: date
    labels_as_of: datetime
    label_maturity_days: float
    timezone: str
    snapshot_lag_seconds: float
    feature_set: str
    timelines: str
    features: tuple[str, ...]
    cutoff: datetime
    watermark_key: int
    generation: int
    orders: int
    live: int
    stale_left_out: int
    stale_included: bool
    labels: LabelCounts


def newest_training_sets(
    store: OfflineStore, feature_set: str, most: int
) -> list[tuple[int, TrainingSetFacts]]:
    """The newest training sets of a feature set, at `most` so many, with their revisions."""
    slot = training_set_slot(feature_set)
    table = find_table(store, slot.table)
    revisions = [] if table is None else tagged_revisions(table)[-most:]
    return [
        (each.number, read_revision(store, each.name, TrainingSetFacts).facts) for each in revisions
    ]


def training_set_slot(feature_set: str) -> Slot:
    """The slot whose revisions are the training sets of a feature set, of whatever period."""
    return Slot(DATASET, feature_set)
