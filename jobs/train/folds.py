"""Validation by time: models of earlier orders, measured on the orders after them.

The last part of the training period is cut into windows of equal length. For each a model is fitted
on the orders whose labels were known when the window began, with the gap that labels take, as the
hold-out has it. So the scores of a window are as those that a served model gives later orders.
"""

from dataclasses import dataclass
from datetime import timedelta
from itertools import compress, pairwise
from typing import Final

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

from features_pkg.array_types import Floats, Ints
from features_pkg.calendar import DAY_US, MICROSECOND, from_us
from features_pkg.models.validation import FoldMetrics
from jobs.train.estimators.estimator import Estimator
from jobs.train.orders import LabelledOrders
from jobs.train.pipeline import fit, log_odds_of

VALIDATED_SHARE: Final = 0.6
"""The windows have this share of the training period without the gap."""
LEAST_FITTED_SHARE: Final = 0.5
"""A fold is trusted that was fitted on this share of the orders of the model at least."""
LEAST_CHARGED_BACK: Final = 10
"""A fold is fitted on as many charged back orders at least."""


@dataclass(frozen=True, slots=True)
class Fold:
    """Orders by positions: those before `fitted_end` are fitted on, those in `window` measured."""

    fitted_end: int
    window: slice
    start_us: int
    end_us: int


@dataclass(frozen=True, slots=True)
class OutOfFold:
    """What the folds say of orders that they were not fitted on: `positions` and log odds."""

    folds: tuple[FoldMetrics, ...]
    positions: Ints
    log_odds: Floats

    def trusted(self, model_orders: int) -> "OutOfFold":
        """What those folds say that had enough history to speak for a model of so many orders."""
        least = LEAST_FITTED_SHARE * model_orders
        is_trusted = np.array([fold.fitted >= least for fold in self.folds], np.bool_)
        of_trusted = np.repeat(is_trusted, [fold.orders for fold in self.folds])
        return OutOfFold(
            tuple(compress(self.folds, is_trusted)),
            self.positions[of_trusted],
            self.log_odds[of_trusted],
        )


NO_FOLDS: Final = OutOfFold((), np.empty(0, np.int64), np.empty(0))


def folds_of(orders: LabelledOrders, maturity: timedelta, count: int) -> list[Fold]:
    """At most `count` folds of orders that are sorted by time; each window has a day at least.

    There is none where the orders span less than the gap and two days.
    """
    gap_us = maturity // MICROSECOND
    first_us, last_us = int(orders.asked_us[0]), int(orders.asked_us[-1])
    validated_us = int(VALIDATED_SHARE * (last_us - first_us - gap_us))
    count = min(count, validated_us // DAY_US)
    if count < 1:
        return []
    bounds = [last_us + 1 - validated_us * left // count for left in range(count, -1, -1)]
    found = []
    for start_us, end_us in pairwise(bounds):
        fitted_end, *window = np.searchsorted(
            orders.asked_us, (start_us - gap_us, start_us, end_us)
        ).tolist()
        found.append(Fold(fitted_end, slice(*window), start_us, end_us))
    return found


def out_of_fold(
    orders: LabelledOrders,
    weights: Floats | None,
    matrix: Floats,
    folds: list[Fold],
    estimator: Estimator,
    seed: int,
) -> OutOfFold:
    """Fit and measure each fold that has orders of both classes; `matrix` has all orders' rows.

    A fold's rows are the first ones of the matrix, so nothing of it is copied. Those whose label
    was not known when the window began have the weight 0.
    """
    metrics, positions, log_odds = [], [np.empty(0, np.int64)], [np.empty(0)]
    for fold in folds:
        known = orders.known_us[: fold.fitted_end] <= fold.start_us
        labels = orders.labels[: fold.fitted_end]
        charged_back, honest = int((labels & known).sum()), int((~labels & known).sum())
        if min(charged_back, honest) < LEAST_CHARGED_BACK or fold.window.start == fold.window.stop:
            continue
        counts = None if weights is None else weights[: fold.fitted_end]
        if not known.all():
            counts = np.where(known, 1.0 if counts is None else counts, 0.0)
        names = [str(column) for column in range(matrix.shape[1])]
        pipeline = fit(matrix[: fold.fitted_end], labels, names, seed, counts, estimator)
        found = log_odds_of(pipeline, matrix[fold.window])
        metrics.append(_measured(orders, weights, fold, charged_back + honest, found))
        positions.append(np.arange(fold.window.start, fold.window.stop))
        log_odds.append(found)
    return OutOfFold(tuple(metrics), np.concatenate(positions), np.concatenate(log_odds))


def _measured(
    orders: LabelledOrders, weights: Floats | None, fold: Fold, fitted: int, log_odds: Floats
) -> FoldMetrics:
    labels = orders.labels[fold.window]
    counts = None if weights is None else weights[fold.window]
    has_both = bool(labels.any()) and not bool(labels.all())
    return FoldMetrics(
        start=from_us(fold.start_us),
        end=from_us(fold.end_us),
        fitted=fitted,
        orders=len(labels),
        charged_back=int(labels.sum()),
        roc_auc=float(roc_auc_score(labels, log_odds, sample_weight=counts)) if has_both else None,
        average_precision=float(average_precision_score(labels, log_odds, sample_weight=counts))
        if has_both
        else None,
    )
