"""Small pipelines of each estimator, and rows at and beside what they split by."""

import numpy as np
from sklearn.pipeline import Pipeline

from features_pkg.array_types import Floats, Mask
from jobs.train.estimators.by_name import ESTIMATORS
from jobs.train.pipeline import fit

FEATURES = 6
NAMES = [f"f{number}" for number in range(FEATURES)]


def some_orders(seed: int = 3, rows: int = 1500) -> tuple[Floats, Mask]:
    """Skewed amounts, counts, nulls of two kinds and a column of nulls alone; labels they tell."""
    random = np.random.default_rng(seed)
    matrix = np.empty((rows, FEATURES))
    matrix[:, 0] = 1 + np.round(np.exp(random.normal(4, 2, rows)))
    matrix[:, 1] = random.integers(0, 6, rows)
    matrix[:, 2] = random.normal(0, 1, rows) / 3
    matrix[:, 3] = random.integers(0, 3, rows) * 0.1
    matrix[:, 4] = random.integers(1, 9, rows) + 2**24  # whole numbers that float32 rounds
    odds = np.log(matrix[:, 0]) - 7 + matrix[:, 1] - 2 * matrix[:, 2] + random.normal(0, 1, rows)
    matrix[random.random(rows) < 0.2, 1:3] = np.nan
    matrix[random.random(rows) < 0.1, 3] = np.nan
    matrix[:, 5] = np.nan
    return matrix, odds > 0


def a_pipeline(estimator: str, weights: Floats | None = None) -> Pipeline:
    """The fitted pipeline of an estimator."""
    matrix, labels = some_orders()
    return fit(matrix, labels, NAMES, 7, weights, ESTIMATORS[estimator])


def hard_rows(rows: int = 400) -> Floats:
    """Rows with values far from any training, nulls, and columns that had no nulls, too."""
    random = np.random.default_rng(9)
    matrix, _ = some_orders(11, rows)
    matrix[:, 5] = random.normal(0, 1e6, rows)
    matrix[rows // 2 :] *= random.choice((1.0, -1.0, 1e9, 1e-9, 0.0), (rows - rows // 2, FEATURES))
    matrix[random.random(matrix.shape) < 0.15] = np.nan
    return matrix
