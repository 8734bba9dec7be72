"""Boosted trees over histograms, which take nulls as they are."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import Pipeline

from features_pkg.array_types import Floats
from jobs.train.estimators.estimator import Estimator
from jobs.train.memory import MEMORY_OF
from jobs.train.node_counts import weigh_node_counts


def fit(matrix: Floats, classes: NDArray[np.int8], seed: int, weights: Floats | None) -> Pipeline:
    """A pipeline of 120 trees of 16 leaves. The same rows and seed give the same bytes."""
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
    pipeline.fit(matrix, classes, classifier__sample_weight=weights)
    classifier._feature_subsample_rng = None  # only fitting draws from it
    if weights is not None:
        weigh_node_counts(pipeline, matrix, weights)
    return pipeline


BOOSTING: Final = Estimator("boosting", fit, MEMORY_OF["boosting"])
