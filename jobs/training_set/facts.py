"""What a training set's manifest says beside its files."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from stores.files.manifest import Slot

DATASET: Final = "training-set"
PART: Final = "all"


@dataclass(frozen=True, slots=True)
class LabelCounts:
    """How many orders got which label, and why the others got none."""

    charged_back: int
    honest: int
    too_young: int
    charged_back_late: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSetFacts:
    """The period `[first_day, end_day)` of local days, and everything its rows depend on.

    Read were events before `cutoff`, of rows whose recorded key is below `watermark_key`.
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
    """Where the training sets of a feature set are, one revision each, whatever their period."""
    return Slot(DATASET, feature_set, PART)
