"""Scores of weighted orders, sorted once, and what a model with these scores would find."""

from dataclasses import dataclass

import numpy as np

from features_pkg.array_types import Floats, Ints, Mask


@dataclass(frozen=True, slots=True)
class Found:
    """Average precision, the share of fraud in a review budget, and its money in cents."""

    average_precision: float
    recall: float
    saved_cents: float


class Ranking:
    """Orders from the highest score to the lowest; equal scores are one group.

    Resampled days only change how often an order counts, never the ranking: so it is made once.
    """

    def __init__(self, labels: Mask, scores: Floats, cents: Floats) -> None:
        self._by_score = np.argsort(-scores, kind="stable")
        ranked = scores[self._by_score]
        self._ends: Ints = np.append(np.flatnonzero(ranked[1:] != ranked[:-1]), len(ranked) - 1)
        self._labels = labels[self._by_score].astype(np.float64)
        self._cents = cents[self._by_score]

    def found(self, weights: Floats, budget: float) -> Found:
        """What is found if each order counts as its weight says.

        `budget` is the share of all orders that people review: those with the highest scores, and
        of the group in which it ends the share that it has room for. Average precision is that of
        scikit-learn, with its weights; a test holds the two together.
        """
        ranked = weights[self._by_score]
        fraud = ranked * self._labels
        seen, caught, cents = (
            np.cumsum(each)[self._ends] for each in (ranked, fraud, fraud * self._cents)
        )
        if not caught[-1]:
            return Found(float("nan"), float("nan"), float("nan"))
        precision = np.divide(caught, seen, out=np.zeros_like(seen), where=seen > 0)
        steps = np.diff(caught, prepend=0.0)
        reviewed = budget * seen[-1]
        recall = np.interp(reviewed, np.append(0.0, seen), np.append(0.0, caught)) / caught[-1]
        saved = np.interp(reviewed, np.append(0.0, seen), np.append(0.0, cents))
        return Found(float(steps @ precision / caught[-1]), float(recall), float(saved))
