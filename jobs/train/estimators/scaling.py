"""How a training scales values for a logistic regression."""

import hashlib
from typing import Final

import numpy as np

from features_pkg.array_types import Floats, Mask
from features_pkg.models.linear import Scaling
from jobs.train.memory import MOST_NULL_COLUMNS

SKEWED: Final = 1.0
"""From this skewness on, in size, values are scaled as logarithms; that of a bell curve is 0."""


def fit_scaling(matrix: Floats, weights: Floats | None) -> Scaling:
    """The scaling of these rows, each of which counts as often as its weight says."""
    features = matrix.shape[1]
    is_log = np.zeros(features, dtype=np.uint8)
    means, deviations = np.zeros(features), np.ones(features)
    for position in range(features):
        column = matrix[:, position]
        known = ~np.isnan(column)
        values, counts = column[known], None if weights is None else weights[known]
        mean, deviation = _mean_and_deviation(values, counts)
        if deviation and abs(_skewness(values, counts, mean, deviation)) > SKEWED:
            is_log[position] = 1
            mean, deviation = _mean_and_deviation(
                np.copysign(np.log1p(np.abs(values)), values), counts
            )
        means[position] = mean
        # A column of one value alone says nothing; over 1 it stays that.
        deviations[position] = deviation or 1.0
    nulls = _null_columns(matrix)
    shares = [float(np.average(np.isnan(matrix[:, each]), weights=weights)) for each in nulls]
    return Scaling(is_log, means, deviations, np.array(nulls, np.int64), np.array(shares))


def _mean_and_deviation(values: Floats, weights: Floats | None) -> tuple[float, float]:
    mean = float(np.average(values, weights=weights))
    deviation = float(np.sqrt(np.average((values - mean) ** 2, weights=weights)))
    # Of equal values the mean may be a bit beside them.
    return mean, deviation if deviation > 1e-9 * max(abs(mean), 1e-9) else 0.0


def _skewness(values: Floats, weights: Floats | None, mean: float, deviation: float) -> float:
    return float(np.average(((values - mean) / deviation) ** 3, weights=weights))


def _null_columns(matrix: Floats) -> list[int]:
    """The features whose nulls get a column: the first of each set that is null in the same rows.

    There are at most `MOST_NULL_COLUMNS`: those of the features that are null most often.
    """
    first_of: dict[bytes, tuple[int, int]] = {}
    for position in range(matrix.shape[1]):
        null: Mask = np.isnan(matrix[:, position])
        count = int(null.sum())
        if count:
            rows = hashlib.blake2b(np.packbits(null).tobytes(), digest_size=16).digest()
            first_of.setdefault(rows, (-count, position))
    most_often = sorted(first_of.values())[:MOST_NULL_COLUMNS]
    return sorted(position for _, position in most_often)
