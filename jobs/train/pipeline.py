"""The scikit-learn pipeline that is fitted, and its bytes."""

import pickle
from collections.abc import Sequence

import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import Pipeline

from features_pkg.array_types import Floats, Mask
from jobs.train.node_counts import weigh_node_counts


def fit(
    matrix: Floats,
    labels: Mask,
    features: Sequence[str],
    seed: int,
    weights: Floats | None = None,
) -> Pipeline:
    """Boosted trees over the rows, which take nulls as they are; a constant for one class.

    A row counts as often as its weight says, once without weights. The same rows and seed give the
    same bytes. The pipeline carries the names of the features, so that a manifest can't give its
    columns other names. Columns of `matrix` that have only nulls are filled with zeros.
    """
    classes = labels.astype(np.int8)
    if classes.min() == classes.max():
        classifier = DummyClassifier(strategy="prior")
    else:
        classifier = HistGradientBoostingClassifier(
            max_iter=120,
            max_leaf_nodes=16,
            max_depth=8,
            min_samples_leaf=20,
            l2_regularization=1.0,
            early_stopping=False,
            random_state=seed,
        )
    pipeline = Pipeline([("classifier", classifier)])
    _fill_empty_columns(matrix)
    pipeline.fit(matrix, classes, classifier__sample_weight=weights)
    if hasattr(classifier, "_feature_subsample_rng"):
        classifier._feature_subsample_rng = None  # only fitting draws from it
    pipeline.ontem_features_ = tuple(features)
    if weights is not None:
        weigh_node_counts(pipeline, matrix, weights)
    return pipeline


def _fill_empty_columns(matrix: Floats) -> None:
    """Put zeros into columns that have only nulls, which scikit-learn can't bin.

    No tree splits by a column whose values are all equal, so what it has later changes no score.
    """
    for column in range(matrix.shape[1]):
        if np.isnan(matrix[:, column]).all():
            matrix[:, column] = 0.0


def to_bytes(pipeline: Pipeline) -> bytes:
    """The pickle of a fitted pipeline."""
    return pickle.dumps(pipeline, protocol=5)


def scores_of(pipeline: Pipeline, matrix: Floats) -> Floats:
    """The probability of fraud for each row."""
    if not len(matrix):
        return np.empty(0)
    classes = [int(label) for label in pipeline.classes_]
    if 1 not in classes:
        return np.zeros(len(matrix))
    return np.asarray(pipeline.predict_proba(matrix)[:, classes.index(1)])
