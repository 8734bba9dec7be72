"""The median of each feature, of the orders that a model is fitted on."""

import numpy as np

from features_pkg.array_types import Floats


def medians_of(matrix: Floats, weights: Floats | None = None) -> tuple[float | None, ...]:
    """The median of each column's values, None for a column of nulls.

    With weights it is the least value up to which at least half of the weight is.
    """
    return tuple(_median(matrix[:, column], weights) for column in range(matrix.shape[1]))


def _median(column: Floats, weights: Floats | None) -> float | None:
    known = ~np.isnan(column)
    values = column[known]
    if not len(values):
        return None
    if weights is None:
        return float(np.median(values))
    by_value = np.argsort(values, kind="stable")
    sums = np.cumsum(weights[known][by_value])
    return float(values[by_value[np.searchsorted(sums, sums[-1] / 2)]])
