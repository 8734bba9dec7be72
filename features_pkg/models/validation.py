"""What a training says of a model beyond its metrics: folds, intervals and thresholds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final


@dataclass(frozen=True, slots=True)
class ThresholdRule:
    """What thresholds are chosen by; null where nothing was said.

    `review_budget` is how many orders people look into a day. A missed fraud and a refused honest
    order cost so many cents.
    """

    review_budget: float | None = None
    missed_fraud_cents: int | None = None
    refused_order_cents: int | None = None


USUAL_RULE: Final = ThresholdRule()


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldMetrics:
    """A model fitted on the orders before `[start, end)`, measured on the orders in it.

    Between these orders and `start` lies the time that labels take.
    """

    start: datetime
    end: datetime
    fitted: int
    orders: int
    charged_back: int
    roc_auc: float | None
    average_precision: float | None


@dataclass(frozen=True, slots=True)
class Interval:
    """Where 95 % of a figure's values over resampled days or orders lie."""

    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervals:
    """Of the metrics on the hold-out; `resampled` are `days` or `orders`, so many `times`."""

    resampled: str
    times: int
    roc_auc: Interval | None
    average_precision: Interval | None
    review_recall: Interval | None
    review_precision: Interval | None
    block_recall: Interval | None
    block_precision: Interval | None
