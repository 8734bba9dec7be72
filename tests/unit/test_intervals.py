"""How sure the figures of a hold-out are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from features_pkg.models.validation import Interval
from jobs.train.intervals import (
    LEAST_DAYS,
    RankedOrders,
    Resampling,
    differences_of,
    interval_of,
    intervals_of,
    precision_of,
    recall_of,
)

RANDOM = np.random.default_rng(1)
LABELS = RANDOM.random(3_000) < 0.1
SCORES = np.round(
    np.clip(0.3 * LABELS + RANDOM.normal(0.3, 0.15, 3_000), 0, 1), 2
)  # many are equal
DAYS = np.arange(3_000) // 100


@given(st.integers(0, 1_000))
def test_weighted_figures_are_those_of_scikit_learn(seed: int) -> None:
    weights = np.random.default_rng(seed).integers(0, 4, 3_000).astype(np.float64)
    ranked = RankedOrders.of(LABELS, SCORES)

    assert ranked.roc_auc(weights) == pytest.approx(
        roc_auc_score(LABELS, SCORES, sample_weight=weights)
    )
    assert ranked.average_precision(weights) == pytest.approx(
        average_precision_score(LABELS, SCORES, sample_weight=weights)
    )


def test_a_figure_lies_in_its_interval_which_is_wider_where_days_are_alike() -> None:
    days = Resampling.of(DAYS, 1)
    found = intervals_of(days, LABELS, SCORES, (0.5, 0.7))

    assert (found.resampled, found.times) == ("days", 200)
    assert found.roc_auc is not None
    assert found.roc_auc.low < roc_auc_score(LABELS, SCORES) < found.roc_auc.high
    assert found.review_recall is not None
    recall = (LABELS & (SCORES >= 0.5)).sum() / LABELS.sum()
    assert found.review_recall.low < recall < found.review_recall.high
    bursts = np.arange(3_000) // 100 % 2 == 0  # all fraud of a day is caught, or none
    caught = np.where(LABELS & bursts, 0.9, 0.1)
    by_day = interval_of(days.values(recall_of(LABELS, caught, 0.5)))
    by_order = interval_of(
        Resampling("orders", np.arange(3_000), 3_000, 1).values(recall_of(LABELS, caught, 0.5))
    )
    assert by_day is not None
    assert by_order is not None
    assert by_day.high - by_day.low > 1.5 * (by_order.high - by_order.low)


def test_orders_are_resampled_where_there_are_few_days() -> None:
    few = np.arange(900) // 100

    assert len(np.unique(few)) < LEAST_DAYS
    assert Resampling.of(few, 1).resampled == "orders"
    assert np.array_equal(Resampling.of(few, 1).values(np.sum), np.full(200, 900.0))


def test_models_are_compared_on_the_same_days() -> None:
    days = Resampling.of(DAYS, 1)
    worse = SCORES - 0.02 * LABELS

    assert differences_of(days, LABELS, SCORES, SCORES) == (Interval(0, 0), Interval(0, 0))
    auc, precision = differences_of(days, LABELS, SCORES, worse)
    own = intervals_of(days, LABELS, SCORES, (0.5, 0.7)).roc_auc
    assert auc is not None
    assert precision is not None
    assert own is not None
    assert 0 < auc.low < auc.high < auc.low + (own.high - own.low) / 2
    assert precision.low > 0


def test_what_is_not_there_in_each_resampled_hold_out_has_no_interval() -> None:
    days = Resampling.of(DAYS, 1)
    nobody = np.zeros(3_000, dtype=bool)

    assert intervals_of(days, nobody, SCORES, (0.5, 0.7)).roc_auc is None
    assert interval_of(days.values(precision_of(LABELS, SCORES, 1.5))) is None
    assert differences_of(days, nobody, SCORES, SCORES) == (None, None)
