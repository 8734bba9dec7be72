"""What each threshold would have cost on the hold-out."""

from typing import Final

import numpy as np

from features_pkg.array_types import Floats, Mask
from features_pkg.models.validation import ThresholdRule
from jobs.train.page.binning import LEAST_ORDERS
from jobs.train.page.curves import LEAST_ODDS, MOST_ODDS
from jobs.train.page.figures import Cost, Costs

REVIEW_CENTS: Final = 1_000
"""What one review is taken to cost."""
STEPS: Final = 60


def review_costs(
    labels: Mask, scores: Floats, amounts: Floats, chosen: float, review_cents: int = REVIEW_CENTS
) -> Costs | None:
    """The costs of thresholds, each order below which passes, and each other one is reviewed.

    `amounts` are in cents. So that none of them can be told from two sums, a missed order costs the
    mean of LEAST_ORDERS or more charged back orders with like scores. None with fewer of them.
    """
    positions = np.flatnonzero(labels)
    if len(positions) < LEAST_ORDERS:
        return None
    lost = np.zeros(len(labels))
    by_score = positions[np.argsort(scores[positions], kind="stable")]
    for alike in np.array_split(by_score, len(by_score) // LEAST_ORDERS):
        lost[alike] = np.nan_to_num(amounts[alike]).mean()
    flagged = np.full(len(labels), float(review_cents))
    return _costs(scores, lost, flagged, chosen, rule=None)


def rule_costs(labels: Mask, scores: Floats, chosen: float, rule: ThresholdRule) -> Costs | None:
    """The costs by which a training chose to block; None if it was given none of them.

    None as well if no order was charged back.
    """
    if rule.missed_fraud_cents is None or rule.refused_order_cents is None or not labels.any():
        return None
    lost = np.where(labels, float(rule.missed_fraud_cents), 0.0)
    flagged = np.where(labels, 0.0, float(rule.refused_order_cents))
    return _costs(scores, lost, flagged, chosen, rule)


def _costs(
    scores: Floats, lost: Floats, flagged: Floats, chosen: float, rule: ThresholdRule | None
) -> Costs:
    """The costs of orders that pass (`lost`) and of those that do not (`flagged`), added up."""
    odds = 10.0 ** np.linspace(LEAST_ODDS, MOST_ODDS, STEPS + 1)
    thresholds = odds / (1 + odds)
    by_score = np.argsort(scores, kind="stable")
    ascending = scores[by_score]
    lost_below, flagged_below = (
        np.append(0.0, np.cumsum(each[by_score])) for each in (lost, flagged)
    )

    def cost(threshold: float) -> Cost:
        below = int(np.searchsorted(ascending, threshold))
        of_flagged = flagged_below[-1] - flagged_below[below]
        return Cost(threshold, missed=round(lost_below[below]), flagged=round(of_flagged))

    return Costs(
        rule=rule,
        without_model=round(lost_below[-1]),
        by_threshold=tuple(cost(float(each)) for each in thresholds),
        chosen=cost(chosen),
    )
