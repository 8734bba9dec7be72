"""Thresholds for single merchants, where a merchant has enough orders with a label."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from features_pkg.array_types import Floats, Ints
from features_pkg.models.manifest import MerchantThresholds
from features_pkg.models.scoring import odds_of, probability_of
from features_pkg.models.validation import ThresholdRule
from jobs.train.metrics import at_threshold
from jobs.train.orders import LabelledOrders
from jobs.train.shift import shift_of
from jobs.train.thresholds import block_by_costs, suggest_thresholds

LEAST_ORDERS: Final = 1_000
"""A merchant has as many orders in the hold-out at least."""
LEAST_CHARGED_BACK: Final = 30
"""A merchant has as many charged back orders, and others, among those that trusted folds scored."""


@dataclass(frozen=True, slots=True)
class ScoredOrders:
    """Orders with their scores and the keys of their merchants."""

    orders: LabelledOrders
    scores: Floats
    merchants: Ints


def merchant_thresholds(
    hold_out: ScoredOrders,
    validated: ScoredOrders,
    weights: Floats | None,
    rule: ThresholdRule,
) -> tuple[MerchantThresholds, ...]:
    """The suggestions for each merchant with enough orders, by its key; none for the only one.

    `validated` are the orders that trusted folds scored, each of which counts as its weight says.
    By these is learnt how much more, or less, fraud a merchant has than its scores say (`shift`).
    The threshold by costs moves by that; shares and budgets are of the merchant's own orders in the
    hold-out, on which all is measured.
    """
    merchants = np.unique(hold_out.merchants).tolist()
    found = []
    for merchant in merchants if len(merchants) > 1 else []:
        own, known = hold_out.merchants == merchant, validated.merchants == merchant
        labels = validated.orders.labels[known]
        charged_back = int(labels.sum())
        few = min(charged_back, len(labels) - charged_back) < LEAST_CHARGED_BACK
        if few or int(own.sum()) < LEAST_ORDERS:
            continue
        counts = np.ones(len(labels)) if weights is None else weights[known]
        log_odds = np.log(validated.scores[known]) - np.log1p(-validated.scores[known])
        shift = shift_of(labels, log_odds, counts)
        scores, share = hold_out.scores[own], float(own.mean())
        found.append(_suggested(merchant, shift, hold_out.orders.take(own), scores, share, rule))
    return tuple(found)


def _suggested(
    merchant: int,
    shift: float,
    orders: LabelledOrders,
    scores: Floats,
    share: float,
    rule: ThresholdRule,
) -> MerchantThresholds:
    budget = rule.review_budget
    own_rule = ThresholdRule(
        None if budget is None else budget * share,
        rule.missed_fraud_cents,
        rule.refused_order_cents,
    )
    block = block_by_costs(rule)
    moved = None if block is None else probability_of(odds_of(block) - shift)
    review, block = suggest_thresholds(scores, orders.days, own_rule, moved)
    return MerchantThresholds(
        merchant_id=merchant,
        orders=len(scores),
        charged_back=int(orders.labels.sum()),
        shift=shift,
        review=at_threshold(orders.labels, scores, review),
        block=at_threshold(orders.labels, scores, block),
    )
