"""The scikit-learn pipeline that is fitted, and its bytes."""

import pickle
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.pipeline import Pipeline

from features_pkg.array_types import Floats, Mask
from features_pkg.models.calibration import Calibration
from features_pkg.models.linear import scaling_of
from features_pkg.models.proof import predicted
from features_pkg.models.scoring import probability
from jobs.train.estimators.boosting import BOOSTING
from jobs.train.estimators.estimator import Estimator
from jobs.train.feature_batches import BATCH_ROWS


def fit(
    matrix: Floats,
    labels: Mask,
    features: Sequence[str],
    seed: int,
    weights: Floats | None = None,
    estimator: Estimator = BOOSTING,
) -> Pipeline:
    """The estimator's pipeline over the rows; a constant for one class.

    A row counts as often as its weight says, once without weights. The same rows and seed give the
    same bytes. The pipeline carries the names of the features, so that a manifest can't give its
    columns other names. While it is fitted, columns of `matrix` that have only nulls have zeros.
    """
    classes = labels.astype(np.int8)
    with _filled_empty_columns(matrix):
        if classes.min() == classes.max():
            pipeline = Pipeline([("classifier", DummyClassifier(strategy="prior"))])
            pipeline.fit(matrix, classes, classifier__sample_weight=weights)
        else:
            pipeline = estimator.fit(matrix, classes, seed, weights)
    pipeline.ontem_features_ = tuple(features)
    return pipeline


@contextmanager
def _filled_empty_columns(matrix: Floats) -> Iterator[None]:
    """Zeros in columns that have only nulls, which scikit-learn can't bin, and nulls afterwards.

    No estimator learns from a column whose values are all equal, so what it has later changes no
    score.
    """
    empty = [column for column in range(matrix.shape[1]) if np.isnan(matrix[:, column]).all()]
    for column in empty:
        matrix[:, column] = 0.0
    yield
    for column in empty:
        matrix[:, column] = np.nan


def to_bytes(pipeline: Pipeline) -> bytes:
    """The pickle of a fitted pipeline."""
    return pickle.dumps(pipeline, protocol=5)


def log_odds_of(pipeline: Pipeline, matrix: Floats) -> Floats:
    """The log odds of the estimator for each row, before any calibration."""
    starts = range(0, len(matrix), BATCH_ROWS)
    batches = [_log_odds(pipeline, matrix[start : start + BATCH_ROWS]) for start in starts]
    return np.concatenate(batches) if batches else np.empty(0)


def _log_odds(pipeline: Pipeline, rows: Floats) -> Floats:
    if hasattr(pipeline, "ontem_scaling_"):
        rows = scaling_of(pipeline).columns(rows)
    elif not hasattr(pipeline, "decision_function"):
        with np.errstate(divide="ignore"):  # a constant may be 0 or 1
            shares = predicted(pipeline, rows)
            return np.asarray(np.log(shares) - np.log1p(-shares))
    return np.asarray(pipeline.decision_function(rows))


def calibrated_scores(
    pipeline: Pipeline, matrix: Floats, calibration: Calibration | None
) -> Floats:
    """The score of each row: the probability of fraud, calibrated if there is a calibration."""
    if calibration is None:
        return scores_of(pipeline, matrix)
    return np.asarray(probability(calibration.many(log_odds_of(pipeline, matrix))))


def scores_of(pipeline: Pipeline, matrix: Floats) -> Floats:
    """The probability of fraud for each row, before any calibration."""
    return predicted(pipeline, matrix) if len(matrix) else np.empty(0)
