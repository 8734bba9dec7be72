"""From a committed training set to a model in a folder."""

import hashlib
import tempfile
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
from sklearn.pipeline import Pipeline

from features_pkg.array_types import Floats
from features_pkg.calendar import MICROSECOND, from_us, to_us
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.models.manifest import MANIFEST, LabelledPeriod, ModelManifest, write_manifest
from jobs.train.errors import OtherFeatureSet
from jobs.train.examples import Examples, read_examples
from jobs.train.metrics import measure, suggest_thresholds
from jobs.train.pipeline import fit, scores_of, to_bytes
from jobs.train.split import Split, split_by_time
from jobs.training_set.errors import NothingToTrainOn
from jobs.training_set.facts import TrainingSetFacts, training_set_slot
from stores.offline.errors import RevisionMissing
from stores.offline.revisions import Revision, read_revision
from stores.offline.runs import library_versions
from stores.offline.tables import OfflineStore


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingOptions:
    """What to train on and where to save the model.

    `revision` is that of the training set. The model gets a folder of its name in `candidates`,
    unless `output` names one. `velocity` false leaves out the velocity features.
    """

    revision: int
    candidates: Path
    output: Path | None = None
    velocity: bool = True
    seed: int = 20180601


@dataclass(frozen=True, slots=True)
class FittedModel:
    """A fitted pipeline, its columns and its bytes."""

    features: tuple[str, ...]
    pipeline: Pipeline
    content: bytes


def train(
    store: OfflineStore, feature_set: FeatureSet, options: TrainingOptions
) -> tuple[Path, ModelManifest]:
    """Fit, measure and save a model; its folder and its manifest.

    Raises RevisionMissing, OtherFeatureSet, NothingToTrainOn or PeriodTooShort.
    """
    source = find_training_set(store, feature_set, options.revision)
    facts = source.facts
    features = facts.features if options.velocity else feature_set.order_features
    maturity = timedelta(days=facts.label_maturity_days)
    old_enough_us = to_us(facts.labels_as_of) - maturity // MICROSECOND
    if not source.rows:
        raise NothingToTrainOn(f"{source.name} has no order", "build it over days that have orders")
    examples = read_examples(store.files, source.files, features, old_enough_us)
    split = split_by_time(examples, maturity)
    pipeline = fit(split.training, features, options.seed)
    fitted = FittedModel(tuple(features), pipeline, to_bytes(pipeline))
    model = _manifest(source, split, fitted, options.seed)
    folder = options.output or options.candidates / model.name
    save_model(folder, fitted.content, model)
    return folder, model


def save_model(folder: Path, content: bytes, model: ModelManifest) -> None:
    """Save a model in `folder`; a reader gets the old one or the new one, never a mixture.

    Each pickle has a name of its own and stays. The manifest names the pickle, and is replaced at
    once.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".draft-") as drafts:
        draft = Path(drafts)
        (draft / model.pickle).write_bytes(content)
        write_manifest(draft, model)
        (draft / model.pickle).replace(folder / model.pickle)
        (draft / MANIFEST).replace(folder / MANIFEST)


def find_training_set(
    store: OfflineStore, feature_set: FeatureSet, revision: int
) -> Revision[TrainingSetFacts]:
    """The training set of that revision. Raises RevisionMissing or OtherFeatureSet."""
    slot = training_set_slot(feature_set.version)
    name = slot.name(revision)
    try:
        training_set = read_revision(store, name, TrainingSetFacts)
    except RevisionMissing:
        remedy = (
            "run `ontem training-set --from DAY --to DAY` with these settings first, or "
            "`ontem train` without a revision to see those that are there"
        )
        raise RevisionMissing(name=name, remedy=remedy) from None
    found = training_set.facts.feature_set
    if found != feature_set.version:
        raise OtherFeatureSet(key=name, found=found, expected=feature_set.version)
    return training_set


def _manifest(
    source: Revision[TrainingSetFacts], split: Split, fitted: FittedModel, seed: int
) -> ModelManifest:
    facts = source.facts
    digest = hashlib.sha256(fitted.content).hexdigest()
    scores = scores_of(fitted.pipeline, split.hold_out.matrix)
    thresholds = suggest_thresholds(scores)
    return ModelManifest(
        name=f"{facts.end_day:%Y%m%d}-{digest[:8]}",
        pickle=f"{digest[:16]}.pkl",
        sha256=digest,
        features=fitted.features,
        medians=_medians(split.training.matrix),
        feature_set=facts.feature_set,
        timelines=facts.timelines,
        timezone=facts.timezone,
        snapshot_lag_seconds=facts.snapshot_lag_seconds,
        label_maturity_days=facts.label_maturity_days,
        labels_as_of=facts.labels_as_of,
        training=_period(split.training, split.hold_out_start_us),
        hold_out=_period(split.hold_out, to_us(facts.labels_as_of)),
        metrics=measure(split.hold_out, scores, thresholds),
        libraries=library_versions(),
        seed=seed,
        training_set=source.name,
        training_set_snapshot_id=source.snapshot_id,
        training_set_metadata_location=source.metadata_location,
    )


def _period(part: Examples, known_us: int) -> LabelledPeriod:
    start, end = (int(part.asked_us[0]), int(part.asked_us[-1])) if len(part) else (0, 0)
    return LabelledPeriod(
        start=from_us(start),
        end=from_us(end + 1),
        known_at=from_us(known_us),
        orders=len(part),
        charged_back=int(part.labels.sum()),
    )


def _medians(matrix: Floats) -> tuple[float | None, ...]:
    """The median of each column's values, None for a column of nulls."""
    columns = (matrix[:, position] for position in range(matrix.shape[1]))
    known = (column[~np.isnan(column)] for column in columns)
    return tuple(float(np.median(values)) if len(values) else None for values in known)
