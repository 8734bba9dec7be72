"""The calibration of a model, learnt from orders that its folds were not fitted on."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression

from features_pkg.array_types import Floats, Ints, Mask
from features_pkg.models.calibration import Calibration, CalibrationMethod
from jobs.train.shift import shift_of

LEAST_OF_A_STEP: Final = 25
"""A step of the isotonic function has as many charged back orders at least."""
FURTHEST: Final = 40.0
"""Log odds between which a sigmoid is exact; no estimator says more."""


def calibrate(
    method: CalibrationMethod, log_odds: Floats, labels: Mask, weights: Floats
) -> Calibration | None:
    """The calibration by these orders of both outcomes; None if it would not rise.

    An order counts as its weight says. `isotonic` is the increasing step function of least squares,
    of which each step becomes one point: the mean of its log odds, and those of its share of fraud.
    `sigmoid` is a line through the log odds (Platt, 1999). `shift` adds to all of them what makes
    the scores add up to the charged back orders.
    """
    found = _METHODS[method](log_odds, labels, weights)
    return found if found.is_increasing else None


def _shift(log_odds: Floats, labels: Mask, counts: Floats) -> Calibration:
    by = shift_of(labels, log_odds, counts)
    ends = (-FURTHEST, FURTHEST)
    return Calibration("shift", ends, tuple(end + by for end in ends))


def _sigmoid(log_odds: Floats, labels: Mask, counts: Floats) -> Calibration:
    line = LogisticRegression(C=np.inf).fit(log_odds[:, None], labels, sample_weight=counts)
    slope, intercept = float(line.coef_[0, 0]), float(line.intercept_[0])
    ends = (-FURTHEST, FURTHEST)
    return Calibration("sigmoid", ends, tuple(intercept + slope * end for end in ends))


def _isotonic(log_odds: Floats, labels: Mask, counts: Floats) -> Calibration:
    by_odds = np.argsort(log_odds, kind="stable")
    odds, marks, counts = log_odds[by_odds], labels[by_odds].astype(np.float64), counts[by_odds]
    steps = IsotonicRegression().fit(odds, marks, sample_weight=counts).predict(odds)
    starts = np.flatnonzero(np.append(True, np.diff(steps) > 0))
    starts = _large_enough(starts, marks)
    fraud, all_ = np.add.reduceat(counts * marks, starts), np.add.reduceat(counts, starts)
    means = np.add.reduceat(counts * odds, starts) / all_
    # Half an order more of each class: of no step all are fraud, or none.
    shares = (fraud + 0.5) / (all_ + 1.0)
    calibrated = np.log(shares) - np.log1p(-shares)
    rising = _rising(calibrated) & _rising(means)
    points = means[rising], calibrated[rising]
    return Calibration("isotonic", *(tuple(column.tolist()) for column in points))


def _large_enough(starts: Ints, marks: Floats) -> Ints:
    """The first positions of steps of which each has enough charged back orders.

    The steps go from high scores to low ones, where fraud is rare, and the lowest one takes the
    rest.
    """
    chosen: list[int] = []
    end = len(marks)
    sums = np.append(0.0, np.cumsum(marks))
    for start in starts[::-1].tolist():
        if sums[end] - sums[start] >= LEAST_OF_A_STEP and sums[start] >= LEAST_OF_A_STEP:
            chosen.append(start)
            end = start
    return np.array([0, *chosen[::-1]])


_METHODS: Final[Mapping[CalibrationMethod, Callable[[Floats, Mask, Floats], Calibration]]] = (
    MappingProxyType({"isotonic": _isotonic, "sigmoid": _sigmoid, "shift": _shift})
)


def _rising(values: Floats) -> Mask:
    """Those that are above all before them."""
    before = np.append(-np.inf, np.maximum.accumulate(values)[:-1])
    return values > before
