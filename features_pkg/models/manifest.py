"""The manifest of a model: enough to refuse it before one of its bytes is unpickled."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import msgspec

from features_pkg.errors import FeatureError
from features_pkg.models.calibration import Calibration
from features_pkg.models.validation import USUAL_RULE, FoldMetrics, Intervals, ThresholdRule

MANIFEST: Final = "manifest.json"
LAYOUT: Final = 5
"""Raised with what a manifest must have, and with the files of a bundle."""
TRAIN_AGAIN: Final = "train again with `python -m jobs training-set` and `python -m jobs train`"
BRING_ANOTHER: Final = (
    "install the package again, or set ONTEM_MODEL to the folder of a sound model: this "
    "installation can't train, because it is without the extra `jobs`"
)


class ModelRefused(FeatureError):
    """A model that must not be served: damaged, or made from other features or other libraries."""

    def __init__(self, folder: Path, reason: str, *, remedy: str = "") -> None:
        remedy = remedy or remedy_here()
        super().__init__(f"the model {folder.name} is refused: {reason}; {remedy}")
        self.folder, self.reason, self.remedy = folder, reason, remedy


class OtherLayout(ModelRefused):
    """A model that an older or newer version of Ontem trained."""

    def __init__(self, folder: Path, layout: int) -> None:
        super().__init__(
            folder,
            f"another version of Ontem trained it: its layout is {layout}, this version reads "
            f"layout {LAYOUT}",
        )
        self.layout = layout


def remedy_here() -> str:
    """What to do about a model that is refused, by whether this installation can train."""
    try:
        can_train = find_spec("pyiceberg") is not None
    except ImportError:
        can_train = False
    return TRAIN_AGAIN if can_train else BRING_ANOTHER


@dataclass(frozen=True, slots=True)
class LabelledPeriod:
    """The orders whose question fell in `[start, end)`; at `known_at` all had their labels."""

    start: datetime
    end: datetime
    known_at: datetime
    orders: int
    charged_back: int


@dataclass(frozen=True, slots=True)
class ThresholdMetrics:
    """What became of the orders that score `threshold` or more; null where nothing can be said."""

    threshold: float
    share: float
    precision: float | None
    recall: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """Measured on the hold-out, which begins once every label of the training was known."""

    roc_auc: float | None
    average_precision: float | None
    card_precision_at_100: float | None
    review: ThresholdMetrics
    block: ThresholdMetrics


@dataclass(frozen=True, slots=True, kw_only=True)
class MerchantThresholds:
    """Thresholds for one merchant, measured on its orders of the hold-out.

    `shift` is by how much more fraud it has than its scores say, in log odds.
    """

    merchant_id: int
    orders: int
    charged_back: int
    shift: float
    review: ThresholdMetrics
    block: ThresholdMetrics


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What the frauds that pass and the honest orders that are refused cost on the hold-out.

    Refused are the orders from the block threshold on; `nothing_refused_cents` is without a model.
    """

    cents: int
    nothing_refused_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """The orders of the training period that a model was fitted on, where they are not all.

    These are all `charged_back` ones, and `others_kept` of the `others`, a `share`. Each kept one
    of the others counted `weight` times, which is the inverse of the share.
    """

    charged_back: int
    others: int
    others_kept: int
    share: float
    weight: float

    @property
    def fitted(self) -> int:
        """How many orders the model was fitted on."""
        return self.charged_back + self.others_kept


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelManifest:
    """A model's identity, and what it depends on.

    `estimator` is what was fitted: of orders of one class a constant, whatever it says.
    `files` has the SHA-256 of each other file of the bundle but the signature, and `signed_by` the
    public key that verifies that. `feature_set` and `timelines` are the ids the model is bound to,
    `features` its columns in order. `medians` has the median of each feature in training, null
    where it had no value at all: explanations replace a value with it. `training_set` is the name
    of a revision: the snapshot `training_set_snapshot_id` of the Iceberg table that the file at
    `training_set_metadata_location` describes. `training_set_built_at` is the database's clock when
    that was built: by it a model is older or newer than another one. `sampling` is null where the
    model was fitted on all orders of the training period. `recipe` has the options of the command
    that were not the usual ones, but for the sample and the seed. Scores are `calibration` of what
    the estimator says, or that itself; `calibration_reason` says why. `folds` are earlier models by
    which a calibration is learnt. `intervals` are of `metrics`, `merchants` those that have
    enough orders for thresholds of their own. `costs` are null without a rule of costs.
    """

    name: str
    files: dict[str, str]
    estimator: str
    signed_by: str
    features: tuple[str, ...]
    medians: tuple[float | None, ...]
    feature_set: str
    timelines: str
    timezone: str
    snapshot_lag_seconds: float
    label_maturity_days: float
    labels_as_of: datetime
    training: LabelledPeriod
    hold_out: LabelledPeriod
    metrics: Metrics
    libraries: dict[str, str]
    seed: int
    training_set: str
    training_set_snapshot_id: int
    training_set_metadata_location: str
    training_set_built_at: datetime
    sampling: Sampling | None = None
    recipe: tuple[str, ...] = ()
    calibration: Calibration | None = None
    calibration_reason: str = ""
    threshold_rule: ThresholdRule = USUAL_RULE
    folds: tuple[FoldMetrics, ...] = ()
    intervals: Intervals | None = None
    merchants: tuple[MerchantThresholds, ...] = ()
    costs: Costs | None = None
    layout: int = LAYOUT


class _Layout(msgspec.Struct, frozen=True):
    """The part of a manifest that is read first, whatever the rest looks like."""

    layout: int


def made_by(manifest: ModelManifest) -> str:
    """What gives the scores of a model, for people: its estimator, if one was fitted."""
    if manifest.training.charged_back in (0, manifest.training.orders):
        return "no estimator (its orders have one outcome only, so all get one score)"
    return manifest.estimator


def sampling_sentence(sampling: Sampling) -> str:
    """Which orders of the training period a model was fitted on, for people."""
    return (
        f"a sample of {sampling.fitted:,} orders: all {sampling.charged_back:,} charged back, and "
        f"{sampling.others_kept:,} of the {sampling.others:,} others ({sampling.share:.2%}), each "
        f"of which counts {sampling.weight:.2f} times"
    )


def encode_manifest(manifest: ModelManifest) -> bytes:
    """The bytes of `manifest.json`."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n"


def decode_manifest(folder: Path, content: bytes) -> ModelManifest:
    """The manifest in these bytes of the model in `folder`.

    Raises ModelRefused; OtherLayout, a kind of it, for a model of another version of Ontem.
    """
    try:
        layout = msgspec.json.decode(content, type=_Layout).layout
        if layout != LAYOUT:
            raise OtherLayout(folder, layout)
        manifest = msgspec.json.decode(content, type=ModelManifest)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ModelRefused(folder, f"{MANIFEST} is not the manifest of a model ({error})") from None
    if manifest.seed < 0:
        raise ModelRefused(folder, f"{MANIFEST} has the seed {manifest.seed}, which is negative")
    if len(manifest.features) != len(manifest.medians) or not manifest.features:
        raise ModelRefused(folder, f"{MANIFEST} does not have one median for each feature")
    if manifest.calibration is not None and not manifest.calibration.is_increasing:
        raise ModelRefused(folder, f"{MANIFEST} has a calibration that is not increasing")
    return manifest
