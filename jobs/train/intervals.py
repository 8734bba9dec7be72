"""How sure the figures of a hold-out are: intervals over resampled days.

Days are resampled, not orders, where there are enough of them: fraud comes in bursts of orders that
are alike, and the orders of a burst taken for independent would make each interval too narrow.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from features_pkg.array_types import Floats, Ints, Mask
from features_pkg.models.validation import Interval, Intervals

TIMES: Final = 200
LEAST_DAYS: Final = 10
"""With fewer days orders are resampled."""
LOW, HIGH = 2.5, 97.5
"""The percentiles between which 95 % of the resampled figures lie."""

Figure = Callable[[Floats], float]
"""A figure of orders that count as often as the weights say; NaN where there is none."""


@dataclass(frozen=True, slots=True)
class Resampling:
    """The same resampled days, or orders, for all figures, so that models can be compared."""

    resampled: str
    unit: Ints
    units: int
    seed: int

    @classmethod
    def of(cls, days: Ints, seed: int) -> "Resampling":
        """So many times as many days as there are, drawn with replacement; or orders."""
        different, unit = np.unique(days, return_inverse=True)
        if len(different) < LEAST_DAYS:
            return cls("orders", np.arange(len(days)), len(days), seed)
        return cls("days", unit, len(different), seed)

    def values(self, figure: Figure) -> Floats:
        """The figure of each resampling."""
        random = np.random.default_rng(self.seed)
        found = []
        for _ in range(TIMES):
            drawn = random.integers(0, self.units, self.units)
            counts = np.bincount(drawn, minlength=self.units).astype(np.float64)
            found.append(figure(counts[self.unit]))
        return np.array(found)


def interval_of(values: Floats) -> Interval | None:
    """The interval of these values; None where one of them is not a number."""
    if not len(values) or np.isnan(values).any():
        return None
    low, high = np.percentile(values, [LOW, HIGH])
    return Interval(float(low), float(high))


@dataclass(frozen=True, slots=True)
class RankedOrders:
    """Orders by their scores, from the highest on, to be measured with many sets of weights."""

    order: Ints
    labels: Floats
    ends: Ints
    """The last position of each score."""

    @classmethod
    def of(cls, labels: Mask, scores: Floats) -> "RankedOrders":
        """Orders of equal scores are told apart by nothing."""
        order = np.argsort(-scores, kind="stable")
        ends = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
        return cls(order, labels[order].astype(np.float64), ends)

    def roc_auc(self, weights: Floats) -> float:
        """What scikit-learn's `roc_auc_score` gives with these weights."""
        hits, others = self._found(weights)
        if not hits[-1] or not others[-1]:
            return float("nan")
        found = np.append(0.0, hits)
        area = np.diff(np.append(0.0, others)) @ (found[1:] + found[:-1]) / 2
        return float(area / (hits[-1] * others[-1]))

    def average_precision(self, weights: Floats) -> float:
        """What scikit-learn's `average_precision_score` gives with these weights."""
        hits, others = self._found(weights)
        if not hits[-1]:
            return float("nan")
        flagged = np.maximum(hits + others, 1e-300)
        return float(np.diff(np.append(0.0, hits)) @ (hits / flagged) / hits[-1])

    def _found(self, weights: Floats) -> tuple[Floats, Floats]:
        """The weight of fraud and of the others among the orders down to each score."""
        of_order = weights[self.order]
        hits = np.cumsum(of_order * self.labels)[self.ends]
        return hits, np.cumsum(of_order)[self.ends] - hits


def recall_of(labels: Mask, scores: Floats, threshold: float) -> Figure:
    """The share of the fraud that scores as much."""
    return _share(labels & (scores >= threshold), labels)


def precision_of(labels: Mask, scores: Floats, threshold: float) -> Figure:
    """The share of fraud among the orders that score as much."""
    flagged = scores >= threshold
    return _share(labels & flagged, flagged)


def _share(part: Mask, whole: Mask) -> Figure:
    def share(weights: Floats) -> float:
        of_whole = float(weights[whole].sum())
        return float(weights[part].sum()) / of_whole if of_whole else float("nan")

    return share


def intervals_of(
    resampling: Resampling, labels: Mask, scores: Floats, thresholds: tuple[float, float]
) -> Intervals:
    """The intervals of the metrics of these scores."""
    ranked = RankedOrders.of(labels, scores)
    review, block = thresholds

    def interval(figure: Figure) -> Interval | None:
        return interval_of(resampling.values(figure))

    return Intervals(
        resampled=resampling.resampled,
        times=TIMES,
        roc_auc=interval(ranked.roc_auc),
        average_precision=interval(ranked.average_precision),
        review_recall=interval(recall_of(labels, scores, review)),
        review_precision=interval(precision_of(labels, scores, review)),
        block_recall=interval(recall_of(labels, scores, block)),
        block_precision=interval(precision_of(labels, scores, block)),
    )


def differences_of(
    resampling: Resampling, labels: Mask, scores: Floats, current: Floats
) -> tuple[Interval | None, Interval | None]:
    """By how much ROC AUC and average precision are above those of the current model's scores."""
    own, other = RankedOrders.of(labels, scores), RankedOrders.of(labels, current)
    pairs = (
        (own.roc_auc, other.roc_auc),
        (own.average_precision, other.average_precision),
    )
    auc, precision = (
        interval_of(resampling.values(one) - resampling.values(another)) for one, another in pairs
    )
    return auc, precision
