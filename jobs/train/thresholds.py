"""The scores from which orders are suggested to be reviewed and refused."""

from typing import Final

import numpy as np

from features_pkg.array_types import Floats, Ints, Mask
from features_pkg.models.manifest import Costs
from features_pkg.models.validation import USUAL_RULE, ThresholdRule

REVIEWED_SHARE: Final = 0.02
BLOCKED_SHARE: Final = 0.005
NOBODY: Final = 2.0
"""A threshold that no score reaches."""


def suggest_thresholds(
    scores: Floats,
    days: Ints | None = None,
    rule: ThresholdRule = USUAL_RULE,
    block: float | None = None,
) -> tuple[float, float]:
    """The scores for review and for blocking, the first at most as large as the second.

    `scores` are of orders that the model was not fitted on, because those would get scores that
    later orders never reach, and `days` are theirs. Labels are not used, so what the thresholds
    then catch is still a fair measure.

    With costs, an order is blocked where that costs less than to let it pass, by its score: fraud
    is missed with this probability, else an honest order is refused (Elkan, The Foundations of
    Cost-Sensitive Learning, 2001). Else 0.5 % of the orders are blocked. With a budget as many of
    the riskiest other orders are reviewed as it has for each day from the first to the last one;
    else 2 % of the orders are reviewed or blocked. A `block` that is given stays.
    """
    block = block_by_costs(rule) if block is None else block
    if block is None:
        block = _above(scores, BLOCKED_SHARE * len(scores))
    if rule.review_budget is None or days is None:
        return min(_above(scores, REVIEWED_SHARE * len(scores)), block), block
    budget = rule.review_budget * (int(days.max()) - int(days.min()) + 1)
    others = scores[scores < block]
    return (min(_above(others, budget), block) if len(others) else block), block


def costs_of(labels: Mask, scores: Floats, threshold: float, rule: ThresholdRule) -> Costs | None:
    """The costs with orders refused from this score on, and with none; None without a rule."""
    own = cost_in_cents(labels, scores, threshold, rule)
    without = cost_in_cents(labels, scores, NOBODY, rule)
    if own is None or without is None:
        return None
    return Costs(cents=own, nothing_refused_cents=without)


def cost_in_cents(
    labels: Mask, scores: Floats, threshold: float, rule: ThresholdRule
) -> int | None:
    """What it costs if orders from this score on are refused; null without costs."""
    if rule.missed_fraud_cents is None or rule.refused_order_cents is None:
        return None
    blocked = scores >= threshold
    missed, refused = int((labels & ~blocked).sum()), int((~labels & blocked).sum())
    return missed * rule.missed_fraud_cents + refused * rule.refused_order_cents


def block_by_costs(rule: ThresholdRule) -> float | None:
    """The share of fraud from which on it costs less to refuse; null without costs."""
    if rule.missed_fraud_cents is None or rule.refused_order_cents is None:
        return None
    return rule.refused_order_cents / (rule.refused_order_cents + rule.missed_fraud_cents)


def _above(scores: Floats, number: float) -> float:
    """A score that about so many orders reach.

    It is the next number above the quantile. So where many orders share one score, as with a model
    that knows one class only, that score is below it.
    """
    share = min(max(number / len(scores), 0.0), 1.0)
    quantile = np.quantile(scores, 1.0 - share)
    if share == 1.0:
        return float(quantile)
    return float(min(np.nextafter(quantile, 2.0), 1.0))
