"""A small real model of the whole catalogue, trained in a second on made-up examples."""

from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np

from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.models.bundle import WRITE_ORDER, Bundle, read_bundle
from features_pkg.models.manifest import LabelledPeriod, Metrics, ModelManifest, ThresholdMetrics
from jobs.train.packing import sign, signed_bundle
from jobs.train.pipeline import fit
from tests.model_keys import SIGNING_KEY, VERIFY_KEYS

NAME = "a-test-model"
THEN = datetime(2018, 1, 1, tzinfo=UTC)
PERIOD = LabelledPeriod(start=THEN, end=THEN, known_at=THEN, orders=400, charged_back=100)
AT_A_THRESHOLD = ThresholdMetrics(threshold=0.5, share=0.1, precision=None, recall=None)
METRICS = Metrics(
    roc_auc=None,
    average_precision=None,
    card_precision_at_100=None,
    review=AT_A_THRESHOLD,
    block=AT_A_THRESHOLD,
)


def write_a_model(folder: Path, features: FeatureSet) -> None:
    """Write a model to `folder` to which large values look like fraud."""
    random = np.random.default_rng(7)
    labels = random.random(400) < 0.25
    matrix = random.integers(0, 10, (400, len(features.names))) + 10.0 * labels[:, None]
    matrix[random.random(matrix.shape) < 0.2] = np.nan
    pipeline = fit(matrix, labels, features.names, seed=7)
    bundle = signed_bundle(a_manifest(features), pipeline, SIGNING_KEY)
    manifest = replace(bundle.manifest, name=NAME)
    write_files(folder, sign(manifest, dict(bundle.contents), SIGNING_KEY))


def copy_as(source: Path, folder: Path, name: str, built_at: datetime) -> None:
    """Copy a model under another name, as if its training set had been built then."""
    bundle = read_bundle(source, VERIFY_KEYS)
    manifest = replace(bundle.manifest, name=name, training_set_built_at=built_at)
    write_files(folder, sign(manifest, dict(bundle.contents), SIGNING_KEY))


def write_files(folder: Path, bundle: Bundle) -> None:
    """Write all files of a bundle into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in WRITE_ORDER:
        (folder / name).write_bytes(bundle.contents[name])


def a_manifest(features: FeatureSet) -> ModelManifest:
    """A manifest without files."""
    return ModelManifest(
        name=NAME,
        files={},
        estimator="boosting",
        signed_by=SIGNING_KEY.public.hex(),
        features=features.names,
        medians=(0.0,) * len(features.names),
        feature_set=features.version,
        timelines=features.timelines_id,
        timezone=features.timezone,
        snapshot_lag_seconds=features.snapshot_lag.total_seconds(),
        label_maturity_days=60.0,
        labels_as_of=THEN,
        training=PERIOD,
        hold_out=PERIOD,
        metrics=METRICS,
        libraries={name: version(name) for name in ("numpy", "scikit-learn")},
        seed=7,
        training_set="none",
        training_set_snapshot_id=0,
        training_set_metadata_location="none",
        training_set_built_at=THEN,
    )
