"""From the scores of an estimator to shares of fraud, by an increasing function.

An estimator ranks orders well and may still be wrong about how many of them are fraud. What was
learnt about that from orders it was not fitted on is a few points between which log odds are
interpolated. Every order keeps its place among the others, because the function never stays level.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite
from typing import Literal

import numpy as np

from features_pkg.array_types import Floats
from features_pkg.models.scoring import Scorer, probability, probability_of

CalibrationMethod = Literal["isotonic", "sigmoid", "shift"]


@dataclass(frozen=True, slots=True)
class Calibration:
    """Points of an increasing function of log odds: from `log_odds` to those in `calibrated`.

    Between two points it is a straight line. Before the first and after the last it goes on with
    the slope 1.
    """

    method: CalibrationMethod
    log_odds: tuple[float, ...]
    calibrated: tuple[float, ...]

    @property
    def is_increasing(self) -> bool:
        """Whether it is a function that a model may have: of two points or more, all rising."""
        columns = (self.log_odds, self.calibrated)
        return len(self.log_odds) == len(self.calibrated) >= 2 and all(
            all(map(isfinite, column)) and all(left < right for left, right in pairwise(column))
            for column in columns
        )

    def many(self, log_odds: Floats) -> Floats:
        """The calibrated log odds of many rows."""
        first, last = self.log_odds[0], self.log_odds[-1]
        beyond = np.minimum(log_odds - first, 0.0) + np.maximum(log_odds - last, 0.0)
        return np.asarray(np.interp(log_odds, self.log_odds, self.calibrated) + beyond)

    def one(self, log_odds: float) -> float:
        """The calibrated log odds of one row, in less time."""
        known, calibrated = self.log_odds, self.calibrated
        if log_odds <= known[0]:
            return calibrated[0] + (log_odds - known[0])
        if log_odds >= known[-1]:
            return calibrated[-1] + (log_odds - known[-1])
        right = bisect_right(known, log_odds)
        slope = (calibrated[right] - calibrated[right - 1]) / (known[right] - known[right - 1])
        return calibrated[right - 1] + slope * (log_odds - known[right - 1])


@dataclass(frozen=True, slots=True)
class CalibratedScorer:
    """Another scorer's probabilities, calibrated."""

    scorer: Scorer
    calibration: Calibration

    def scores(self, rows: Floats) -> Floats:
        """One probability per row."""
        return np.asarray(probability(self.log_odds(rows)))

    def score(self, row: Sequence[float]) -> float:
        """The probability of one row."""
        return probability_of(self.row_log_odds(row))

    def log_odds(self, rows: Floats) -> Floats:
        """The calibrated log odds of each row."""
        return self.calibration.many(self.scorer.log_odds(rows))

    def row_log_odds(self, row: Sequence[float]) -> float:
        """The calibrated log odds of one row."""
        return self.calibration.one(self.scorer.row_log_odds(row))


def calibrated(scorer: Scorer, calibration: Calibration | None) -> Scorer:
    """The scorer, calibrated if there is a calibration."""
    return scorer if calibration is None else CalibratedScorer(scorer, calibration)
