"""Thresholds for merchants, in the manifest and the report of a training."""

from pathlib import Path

import numpy as np
import pytest

from features_pkg.models.bundle import READABLE_REPORT
from features_pkg.models.scoring import probability
from features_pkg.models.validation import ThresholdRule
from jobs.train.choice import Recipe
from jobs.train.merchants import ScoredOrders, merchant_thresholds
from jobs.train.orders import LabelledOrders
from jobs.train.run import TrainingOptions, train
from jobs.train.shift import shift_of
from tests.model_keys import SIGNING_KEY
from tests.offline import a_store
from tests.unit.trained_models import FEATURES, a_training_set, committed

COSTS = ThresholdRule(None, missed_fraud_cents=90_000, refused_order_cents=10_000)


def scored(seed: int, orders: int = 30_000, shift: float = 1.0) -> ScoredOrders:
    """Orders of merchant 1, as its scores say, of merchant 2 with more fraud, and few of 3."""
    random = np.random.default_rng(seed)
    log_odds = random.normal(-3, 1.5, orders)
    merchants = np.where(random.random(orders) < 0.01, 3, random.integers(1, 3, orders))
    labels = random.random(orders) < probability(log_odds + shift * (merchants == 2))
    zeros = np.zeros(orders, np.int64)
    days = np.arange(orders) // 1_000
    labelled = LabelledOrders(zeros, zeros, labels, zeros, zeros, days, zeros)
    return ScoredOrders(labelled, np.asarray(probability(log_odds)), merchants)


def test_a_merchant_with_more_fraud_than_its_scores_say_is_blocked_earlier() -> None:
    first, second = merchant_thresholds(scored(1), scored(2), None, COSTS)

    assert (first.merchant_id, second.merchant_id) == (1, 2)
    assert first.shift == pytest.approx(0.0, abs=0.1)
    assert second.shift == pytest.approx(1.0, abs=0.1)
    assert first.block.threshold == pytest.approx(0.1, abs=0.01)
    true_share = probability(np.log(second.block.threshold / (1 - second.block.threshold)) + 1.0)
    assert true_share == pytest.approx(0.1, abs=0.01)
    assert second.block.recall is not None
    assert second.orders == int((scored(1).merchants == 2).sum())


def test_a_budget_is_shared_by_the_number_of_orders() -> None:
    hold_out = scored(1)
    found = merchant_thresholds(hold_out, scored(2), None, ThresholdRule(review_budget=20))

    for each in found:
        own = hold_out.scores[hold_out.merchants == each.merchant_id]
        reviewed = (own >= each.review.threshold) & (own < each.block.threshold)
        assert reviewed.sum() == pytest.approx(20 * 30 * len(own) / 30_000, abs=1)


def test_an_order_counts_as_its_weight_says() -> None:
    orders = scored(2)
    labels = orders.orders.labels
    kept = labels | (np.arange(len(labels)) % 4 == 0)
    weights = np.where(labels, 1.0, 4.0)[kept]

    log_odds = np.log(orders.scores) - np.log1p(-orders.scores)
    sampled = shift_of(labels[kept], log_odds[kept], weights)
    whole = shift_of(labels, log_odds, np.ones(len(labels)))
    assert sampled == pytest.approx(whole, abs=0.1)
    assert shift_of(labels[kept], log_odds[kept], np.ones(len(weights))) > whole + 0.8


def test_the_only_merchant_has_the_thresholds_of_all() -> None:
    orders = scored(1)
    alone = ScoredOrders(orders.orders, orders.scores, np.ones_like(orders.merchants))

    assert merchant_thresholds(alone, alone, None, COSTS) == ()


def test_a_training_suggests_thresholds_per_merchant_and_says_what_they_cost(
    tmp_path: Path,
) -> None:
    store = a_store(tmp_path)
    committed(store, a_training_set(orders=10_000))
    recipe = Recipe("logistic", thresholds=COSTS)
    options = TrainingOptions(revision=1, key=SIGNING_KEY, recipe=recipe)
    manifest = train(store, FEATURES, options)

    assert [each.merchant_id for each in manifest.merchants] == [1, 2]
    assert manifest.metrics.block.threshold == 0.1
    assert manifest.costs is not None
    assert manifest.costs.nothing_refused_cents == manifest.hold_out.charged_back * 90_000
    assert manifest.costs.cents < manifest.costs.nothing_refused_cents / 5
    assert manifest.intervals is not None
    assert manifest.intervals.resampled == "days"
    report = store.files.read(f"models/{manifest.name}/{READABLE_REPORT}").decode()
    assert "A missed fraud costs R$ 900.00 and a refused honest order R$ 100.00" in report
    assert "## Thresholds for merchants" in report
    assert "each made of days that were drawn from this one with replacement" in report
