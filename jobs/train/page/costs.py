"""What each threshold would have cost on the hold-out."""

from typing import Final

import numpy as np

from features_pkg.array_types import Floats, Mask
from jobs.train.page.curves import LEAST_ODDS, MOST_ODDS
from jobs.train.page.figures import Cost, Costs

REVIEW_CENTS: Final = 1_000
"""What one review is taken to cost."""
STEPS: Final = 60


def costs_of(
    labels: Mask, scores: Floats, amounts: Floats, chosen: float, review_cents: int = REVIEW_CENTS
) -> Costs | None:
    """The costs of thresholds, each order below which passes, and each other one is reviewed.

    `amounts` are in cents. None if no order was charged back.
    """
    if not labels.any():
        return None
    odds = 10.0 ** np.linspace(LEAST_ODDS, MOST_ODDS, STEPS + 1)
    thresholds = odds / (1 + odds)
    by_score = np.argsort(scores, kind="stable")
    ascending = scores[by_score]
    lost = np.where(labels, np.nan_to_num(amounts), 0.0)[by_score]
    lost_below = np.append(0.0, np.cumsum(lost))

    def cost(threshold: float) -> Cost:
        below = int(np.searchsorted(ascending, threshold))
        reviews = (len(ascending) - below) * review_cents
        return Cost(threshold, missed=int(lost_below[below]), reviews=reviews)

    return Costs(
        review_cents=review_cents,
        without_model=int(lost_below[-1]),
        by_threshold=tuple(cost(float(each)) for each in thresholds),
        chosen=cost(chosen),
    )
