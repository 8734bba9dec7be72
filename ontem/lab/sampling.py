"""The orders that a trial looks at: all charged back ones, and one in so many of the others."""

from dataclasses import dataclass

import numpy as np

from features_pkg.array_types import Floats
from jobs.train.orders import LabelledOrders
from jobs.train.sampling import sample
from ontem.lab.errors import TooFewOrders


@dataclass(frozen=True, slots=True)
class SampledOrders:
    """The orders of a sample, and how often each counts; `sentence` states it."""

    orders: LabelledOrders
    weights: Floats
    sentence: str


def sampled_orders(orders: LabelledOrders, size: int, seed: int) -> SampledOrders:
    """At most `size` orders, or as many again as were charged back if that is more.

    It is the sample of a training: all charged back, and of the others those with the least hash.
    Raises TooFewOrders for orders of one kind only.
    """
    charged_back = int(orders.labels.sum())
    others = len(orders) - charged_back
    if not charged_back or not others:
        raise TooFewOrders(
            f"of {len(orders):,} orders {charged_back:,} were charged back and {others:,} were "
            "not: a trial needs both, so take more days"
        )
    chosen = sample(orders, max(size, 2 * charged_back), seed)
    weights = np.ones(len(chosen.orders)) if chosen.weights is None else chosen.weights
    weight = float(weights.max())
    rest = "all" if weight == 1.0 else f"one in {weight:.3g}, each counting for {weight:.3g},"
    sentence = f"all {charged_back:,} charged back orders and {rest} of {others:,} others"
    return SampledOrders(chosen.orders, weights, sentence)
