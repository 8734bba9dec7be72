"""What a training set's manifest says besides its files."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from stores.files.manifest import Slot

DATASET: Final = "training-set"
PART: Final = "all"


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


def training_set_slot(feature_set: str) -> Slot:
    """The slot whose revisions are the training sets of a feature set, of whatever period."""
    return Slot(DATASET, feature_set, PART)
