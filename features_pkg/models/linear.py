"""Logistic regression over scaled values: what each feature of a row adds to the log odds.

Most features are counts, amounts and ages: a few are a thousand times the others, and many are
null. A sum of weighted values says little about such. So each value goes through `Scaling` first,
in training and in serving alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from features_pkg.array_types import Floats, Ints
from features_pkg.models.trees import PipelineUnknown, check_classes

FURTHEST: Final = 10.0
"""How many standard deviations from the mean a value counts at most, however far it is."""


@dataclass(frozen=True, slots=True, eq=False)
class Scaling:
    """How values become the columns of a logistic regression: one per feature, then the nulls.

    A feature's values are logarithms where `is_log` is 1 (of 1 more than the size, with the sign),
    less their mean, over their standard deviation, at most `FURTHEST` from 0. Null becomes 0, the
    mean. `nulls` are the features that have a further column: 1 for null and 0 for a value, less
    `null_shares`, the share of nulls in training. Features that were null in the same rows of the
    training share the column of the first.
    """

    is_log: NDArray[np.uint8]
    means: Floats
    deviations: Floats
    nulls: Ints
    null_shares: Floats

    def values(self, rows: Floats) -> Floats:
        """The scaled value of each feature; 0 for null."""
        logs = np.copysign(np.log1p(np.abs(rows)), rows)
        scaled = (np.where(self.is_log, logs, rows) - self.means) / self.deviations
        np.clip(scaled, -FURTHEST, FURTHEST, out=scaled)
        scaled[np.isnan(scaled)] = 0.0
        return scaled

    def null_columns(self, rows: Floats) -> Floats:
        """The further columns."""
        return np.isnan(rows[:, self.nulls]) - self.null_shares

    def columns(self, rows: Floats) -> Floats:
        """All columns of the regression."""
        return np.hstack((self.values(rows), self.null_columns(rows)))


@dataclass(frozen=True, slots=True, eq=False)
class Linear:
    """A fitted logistic regression: the weight of each column of `Scaling`, and an intercept."""

    scaling: Scaling
    weights: Floats
    null_weights: Floats
    intercept: float

    def parts(self, rows: Floats) -> Floats:
        """What each feature adds to the log odds of each row, (rows, features).

        Each part is 0 on average over the training, so it is the feature's Shapley value, too.
        """
        parts = self.scaling.values(rows) * self.weights
        parts[:, self.scaling.nulls] += self.scaling.null_columns(rows) * self.null_weights
        return parts


def linear_of(classifier: Any, scaling: Scaling) -> Linear:
    """A fitted LogisticRegression over the columns of `scaling`.

    Raises PipelineUnknown unless it has two classes and a finite weight for each column.
    """
    check_classes(classifier.classes_)
    features = len(scaling.means)
    weights = np.asarray(classifier.coef_, dtype=np.float64)
    intercept = np.asarray(classifier.intercept_, dtype=np.float64)
    if weights.shape != (1, features + len(scaling.nulls)) or intercept.shape != (1,):
        raise PipelineUnknown("the regression does not have one weight for each column")
    if not (np.isfinite(weights).all() and np.isfinite(intercept).all()):
        raise PipelineUnknown("the regression has a weight that is not a number")
    return Linear(scaling, weights[0, :features], weights[0, features:], float(intercept[0]))


def scaling_of(pipeline: Any) -> Scaling:
    """The scaling that a pipeline carries as plain arrays in `ontem_scaling_`.

    Raises PipelineUnknown unless they scale each of its features to numbers.
    """
    arrays = pipeline.ontem_scaling_
    scaling = Scaling(
        is_log=_column(arrays["is_log"], "u1"),
        means=_column(arrays["means"], "f8"),
        deviations=_column(arrays["deviations"], "f8"),
        nulls=_column(arrays["nulls"], "i8"),
        null_shares=_column(arrays["null_shares"], "f8"),
    )
    features, nulls = len(pipeline.ontem_features_), scaling.nulls
    lengths = {len(scaling.is_log), len(scaling.means), len(scaling.deviations)}
    if lengths != {features} or len(nulls) != len(scaling.null_shares):
        raise PipelineUnknown("the scaling does not have one entry for each feature")
    numbers = np.concatenate((scaling.means, scaling.deviations, scaling.null_shares))
    if not np.isfinite(numbers).all() or not (scaling.deviations > 0.0).all():
        raise PipelineUnknown("the scaling has a mean or a deviation that is not a number above 0")
    if len(nulls) and not (nulls[0] >= 0 and nulls[-1] < features and (np.diff(nulls) > 0).all()):
        raise PipelineUnknown("the scaling asks for nulls of features that there are not")
    return scaling


def scaling_arrays(scaling: Scaling) -> dict[str, NDArray[Any]]:
    """What a pipeline carries, so that its pickle has plain arrays alone."""
    return {
        "is_log": scaling.is_log,
        "means": scaling.means,
        "deviations": scaling.deviations,
        "nulls": scaling.nulls,
        "null_shares": scaling.null_shares,
    }


def _column(array: Any, code: str) -> Any:
    if type(array) is not np.ndarray or array.ndim != 1 or array.dtype != np.dtype(f"<{code}"):
        raise PipelineUnknown("the scaling is not made of columns of numbers")
    return array
