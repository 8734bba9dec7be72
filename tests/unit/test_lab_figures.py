"""The figures of a trial: rankings of weighted orders, intervals over days, correlations."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from jobs.train.orders import LabelledOrders
from ontem.lab.checking import nearest
from ontem.lab.intervals import ResampledDays
from ontem.lab.models import Models, Part, Times
from ontem.lab.peeking import example_rows
from ontem.lab.ranking import Ranking
from ontem.lab.sampling import SampledOrders

RANDOM = np.random.default_rng(4)
LABELS = RANDOM.random(500) < 0.2
SCORES = np.round(RANDOM.random(500) + 0.3 * LABELS, 2)  # many are equal
CENTS = RANDOM.integers(100, 9000, 500).astype(np.float64)
WEIGHTS = np.where(LABELS, 1.0, 17.5)


def test_average_precision_is_that_of_scikit_learn_with_weights() -> None:
    found = Ranking(LABELS, SCORES, CENTS).found(WEIGHTS, 0.1)

    expected = average_precision_score(LABELS, SCORES, sample_weight=WEIGHTS)
    assert found.average_precision == pytest.approx(expected, rel=1e-12)


def test_an_order_that_counts_twice_is_as_two_orders() -> None:
    twice = np.concatenate([np.arange(500), np.arange(100)])
    counts = np.where(np.arange(500) < 100, 2.0, 1.0)

    whole = Ranking(LABELS[twice], SCORES[twice], CENTS[twice]).found(np.ones(600), 0.1)
    weighted = Ranking(LABELS, SCORES, CENTS).found(counts, 0.1)
    assert weighted.average_precision == pytest.approx(whole.average_precision, rel=1e-12)
    assert weighted.recall == pytest.approx(whole.recall, rel=1e-12)
    assert weighted.saved_cents == pytest.approx(whole.saved_cents, rel=1e-12)


def test_the_budget_counts_orders_and_not_rows_and_shares_the_last_group() -> None:
    labels = np.array([True, False, True, True])
    scores = np.array([0.9, 0.8, 0.5, 0.5])
    cents = np.array([100.0, 5.0, 30.0, 50.0])
    weights = np.array([1.0, 6.0, 1.0, 2.0])  # ten orders

    found = Ranking(labels, scores, cents).found(weights, 0.8)
    # The two riskiest rows are seven orders; the group of three orders has room for one.
    assert found.recall == pytest.approx((1 + 3 / 3) / 4)
    assert found.saved_cents == pytest.approx(100 + (30 + 2 * 50) / 3)


def test_two_models_differ_over_the_same_days() -> None:
    days = np.arange(500) // 20
    resampled = ResampledDays(LABELS, CENTS, WEIGHTS, days, 0.1, seed=1)
    resampled.add("a", SCORES)
    resampled.add("same", SCORES)
    resampled.add("better", SCORES + LABELS)

    none = resampled.difference("same", "a")
    assert (none.recall.value, none.recall.low, none.recall.high) == (0.0, 0.0, 0.0)
    gain = resampled.difference("better", "a").average_precision
    assert gain.low <= gain.value <= gain.high
    assert gain.is_certain
    assert resampled.days == 25
    own = resampled.of("a").average_precision
    assert own.high - own.low > 0


def test_days_are_resampled_and_not_orders() -> None:
    """One day with all the fraud, found or not as a whole: over orders the interval is narrow."""
    days = np.repeat([0, 1, 2, 3], 100)
    labels = np.isin(days, [0, 1])
    scores = np.where(days == 0, 0.9, 0.1) + np.linspace(0, 0.01, 400)
    resampled = ResampledDays(labels, np.ones(400), np.ones(400), days, 0.25, seed=1)
    resampled.add("a", scores)

    recall = resampled.of("a").recall
    assert (recall.low, recall.high) == (0.0, 1.0)


def test_the_nearest_column_is_the_one_that_ranks_alike_up_or_down() -> None:
    values = np.arange(100.0)
    noise = RANDOM.random(100)
    matrix = np.stack([noise, -(values**3), np.full(100, 5.0)], axis=1)
    matrix[:50, 1] = np.nan

    position, correlation = nearest(values, matrix)

    assert position == 1
    assert correlation == pytest.approx(-1.0)


def test_columns_that_are_rarely_known_together_are_not_compared() -> None:
    values = np.where(np.arange(100) < 20, np.arange(100.0), np.nan)

    assert nearest(values, values[:, None]) == (None, None)


def test_examples_go_from_the_least_value_that_is_not_zero_to_the_greatest() -> None:
    values = np.array([0.0, 7.0, np.nan, 3.0, 5.0, 9.0, 1.0, 0.0])

    assert values[example_rows(values)].tolist() == [1.0, 3.0, 5.0, 7.0, 9.0]
    assert values[example_rows(np.array([0.0, np.nan]))].tolist() == [0.0]


def a_part(candidate: np.ndarray, own: np.ndarray, seed: int) -> Part:
    """Orders of 30 days with one other feature, which says nothing."""
    random = np.random.default_rng(seed)
    count = len(candidate)
    orders = LabelledOrders(
        rows=np.arange(count),
        order_pk=np.arange(count),
        labels=candidate > 0.8,
        asked_us=np.arange(count),
        known_us=np.arange(count),
        days=np.arange(count) * 30 // count,
        cards=np.zeros(count, np.int64),
    )
    return Part(
        SampledOrders(orders, np.ones(count), "all"),
        ("other",),
        random.random((count, 1)),
        np.full(count, 1000.0),
        {Times.KNOWN: {"it": candidate}, Times.OWN: {"it": own}},
    )


def test_a_candidate_that_tells_fraud_gains_and_so_does_a_leak() -> None:
    tells, says_nothing = (np.random.default_rng(seed).random((2, 900)) for seed in (1, 2))
    useful = Models(a_part(tells[0], tells[0], 3), a_part(tells[1], tells[1], 4), 0.2, seed=1)
    useful.measure("without", (), Times.KNOWN)
    useful.measure("it", ("it",), Times.KNOWN)

    gain = useful.resampled.difference("it", "without")
    assert gain.average_precision.is_certain
    assert gain.average_precision.value > 0.3
    assert useful.resampled.of("it").recall.value == pytest.approx(1, abs=0.05)
    assert gain.saved_cents.value > 0
    assert not useful.differ_by_own_times(["it"])

    parts = [a_part(tells[i], tells[i], 3 + i) for i in (0, 1)]
    leaky = [
        replace(part, values={Times.KNOWN: {"it": says_nothing[i]}, Times.OWN: {"it": tells[i]}})
        for i, part in enumerate(parts)
    ]
    models = Models(leaky[0], leaky[1], 0.2, seed=1)
    models.measure("it", ("it",), Times.KNOWN)
    models.measure("own", ("it",), Times.OWN)
    assert models.differ_by_own_times(["it"])
    assert models.resampled.difference("own", "it").average_precision.low > 0.3
