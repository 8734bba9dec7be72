"""Logistic regression over scaled values and columns of nulls."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from features_pkg.array_types import Floats
from features_pkg.models.linear import scaling_arrays
from features_pkg.models.walk import CHUNK
from jobs.train.estimators.estimator import Estimator
from jobs.train.estimators.scaling import fit_scaling
from jobs.train.memory import MEMORY_OF

STRENGTH: Final = 0.01
"""scikit-learn's C: the lower it is, the nearer to 0 weights stay, and features of a kind share."""


def fit(matrix: Floats, classes: NDArray[np.int8], seed: int, weights: Floats | None) -> Pipeline:
    """A pipeline of one regression, which carries its scaling as arrays.

    The optimum is the only one, so `seed` changes nothing.
    """
    scaling = fit_scaling(matrix, weights)
    columns = np.empty((len(matrix), matrix.shape[1] + len(scaling.nulls)))
    for start in range(0, len(matrix), CHUNK):
        columns[start : start + CHUNK] = scaling.columns(matrix[start : start + CHUNK])
    classifier = LogisticRegression(
        C=STRENGTH, solver="newton-cholesky", max_iter=50, random_state=seed
    )
    pipeline = Pipeline([("classifier", classifier)])
    pipeline.fit(columns, classes, classifier__sample_weight=weights)
    del classifier.n_iter_  # of a type that no model needs
    pipeline.ontem_scaling_ = scaling_arrays(scaling)
    return pipeline


LOGISTIC: Final = Estimator("logistic", fit, MEMORY_OF["logistic"])
