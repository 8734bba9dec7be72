"""A random forest, whose trees take nulls as they are and round values to float32."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import Pipeline

from features_pkg.array_types import Floats
from jobs.machine import usable_cores
from jobs.train.estimators.estimator import Estimator
from jobs.train.memory import MEMORY_OF

TREES: Final = 100
DEEPEST: Final = 16
MOST_LEAVES: Final = 250
"""So that all trees have fewer nodes than `one_row.MOST_NODES`, and one row takes little time."""
MOST_ROWS: Final = 150_000
"""Rows that one tree sees; with more it takes longer to grow, and gets hardly better."""


def fit(matrix: Floats, classes: NDArray[np.int8], seed: int, weights: Floats | None) -> Pipeline:
    """A pipeline of 100 trees, each over a random part of the rows.

    The same rows and seed give the same bytes, on any number of cores.
    """
    classifier = RandomForestClassifier(
        n_estimators=TREES,
        max_depth=DEEPEST,
        max_leaf_nodes=MOST_LEAVES,
        min_samples_leaf=5,
        max_samples=min(MOST_ROWS, len(matrix)),
        n_jobs=usable_cores(),
        random_state=seed,
    )
    pipeline = Pipeline([("classifier", classifier)])
    pipeline.fit(matrix, classes, classifier__sample_weight=weights)
    classifier.n_jobs = None  # a model scores in one thread
    return pipeline


FOREST: Final = Estimator("forest", fit, MEMORY_OF["forest"])
