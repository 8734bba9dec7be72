"""Areas under curves are scikit-learn's, and a drawing of cards takes all orders of each."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from benchmarks.modelling.intervals import drawings, measure_areas


def test_each_drawing_has_the_areas_that_scikit_learn_finds() -> None:
    rng = np.random.default_rng(5)
    labels = rng.random(2_000) < 0.05
    scores = np.round(rng.normal(labels * 1.0, 1.0), 1)  # many are equal
    weights = drawings(rng.integers(0, 200, 2_000), 5, seed=1)
    measured = measure_areas(labels, scores, weights)
    assert measured.areas.roc_auc == pytest.approx(roc_auc_score(labels, scores))
    assert measured.areas.average_precision == pytest.approx(
        average_precision_score(labels, scores)
    )
    for drawn, weight in zip(measured.drawn, weights, strict=True):
        assert drawn[0] == pytest.approx(roc_auc_score(labels, scores, sample_weight=weight))
        assert drawn[1] == pytest.approx(
            average_precision_score(labels, scores, sample_weight=weight)
        )


def test_a_card_comes_with_all_its_orders_or_with_none() -> None:
    cards = np.array([7, 3, 7, 9, 3, 7])
    drawn = drawings(cards, 50, seed=2)
    for card in (3, 7, 9):
        assert (drawn[:, cards == card] == drawn[:, cards == card][:, :1]).all()
    a_card = drawn[:, [1, 0, 3]]
    assert (a_card.sum(axis=1) == 3).all()
    assert len(np.unique(a_card, axis=0)) > 3


def test_a_gain_is_measured_on_the_same_drawings() -> None:
    rng = np.random.default_rng(6)
    labels = rng.random(3_000) < 0.1
    worse = rng.normal(labels * 1.0, 1.0)
    better = worse + labels * 0.2
    weights = drawings(np.arange(3_000), 100, seed=3)
    one, two = (measure_areas(labels, scores, weights) for scores in (worse, better))
    gain, low, high = two.gain(one, "average_precision")
    assert gain == pytest.approx(two.areas.average_precision - one.areas.average_precision)
    assert 0 < low <= gain <= high
    apart = np.ptp(two.interval("average_precision"))
    assert high - low < apart  # each alone varies more than their difference


def test_a_drawing_without_fraud_says_nothing() -> None:
    labels = np.array([True, False, False])
    measured = measure_areas(labels, np.array([0.9, 0.1, 0.2]), np.array([[0, 2, 1], [1, 1, 1]]))
    assert np.isnan(measured.drawn[0]).all()
    assert measured.interval("roc_auc") == (1.0, 1.0)
