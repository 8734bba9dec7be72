"""The figures of a page: right, and never those of a single order."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import precision_recall_curve, roc_auc_score

from features_pkg.models.validation import ThresholdRule
from jobs.train.orders import LabelledOrders
from jobs.train.page.binning import LEAST_ORDERS, merged, rounded_down, safe_groups
from jobs.train.page.costs import review_costs, rule_costs
from jobs.train.page.curves import model_curves, outcome_bins, score_bins
from jobs.train.page.over_time import MOST_PERIODS, recalls
from jobs.train.thresholds import cost_in_cents

COUNTS = hnp.arrays(
    np.int64, st.tuples(st.just(2), st.integers(1, 12)), elements=st.integers(0, 40)
)
FIRST = 17_600
"""A day, counted from 1970 on: 2018-03-10."""


def some_orders(labels: np.ndarray, days: np.ndarray | None = None) -> LabelledOrders:
    numbers = np.arange(len(labels), dtype=np.int64)
    days = numbers * 0 + FIRST if days is None else days
    return LabelledOrders(numbers, numbers, labels, numbers, numbers, days, numbers)


@given(COUNTS)
def test_merged_bins_have_no_few_orders_and_lose_none(counts: np.ndarray) -> None:
    groups = safe_groups(counts)

    sums = merged(counts, groups)
    assert np.all(sums.sum(axis=0) >= LEAST_ORDERS)
    assert np.all((sums == 0) | (sums >= LEAST_ORDERS))
    if groups:
        assert [start for start, _ in groups] == [0, *(end for _, end in groups[:-1])]
        assert groups[-1][1] == counts.shape[1]
    else:
        of_outcomes = counts.sum(axis=1)
        assert of_outcomes.sum() < LEAST_ORDERS or np.any(
            (of_outcomes > 0) & (of_outcomes < LEAST_ORDERS)
        )


@given(COUNTS, st.tuples(st.integers(0, 30), st.integers(0, 30)))
def test_what_is_shown_of_a_feature_is_many_orders_of_each_outcome(
    counts: np.ndarray, nulls: tuple[int, int]
) -> None:
    bounds = tuple(float(bound) for bound in range(counts.shape[1] - 1))

    bins = outcome_bins(counts, bounds, nulls)
    if bins is None:
        assert np.all(counts.sum(axis=1) + nulls < LEAST_ORDERS)
        return
    shown = [*bins.honest, *bins.charged_back, *(each or 0 for each in bins.nulls)]
    assert all(number == 0 or number >= LEAST_ORDERS for number in shown)
    assert len(bins.bounds) == max(len(bins.honest) - 1, 0)


@given(st.floats(-1e12, 1e12).filter(lambda value: abs(value) > 1e-6))
def test_a_bound_has_two_digits_and_is_near_below_its_value(value: float) -> None:
    bound = rounded_down(value)

    digits = f"{bound:.12e}".split("e")[0].replace("-", "").replace(".", "").rstrip("0")
    assert len(digits) <= 2
    assert bound <= value * (1 + 1e-6 * np.sign(value))
    assert abs(bound - value) <= 0.11 * abs(value)


@pytest.mark.parametrize(("value", "bound"), [(0.57, 0.57), (7.0, 7.0), (0.0, 0.0), (1999.0, 1900)])
def test_a_number_of_two_digits_is_its_own_bound(value: float, bound: float) -> None:
    assert rounded_down(value) == bound


@pytest.mark.parametrize(
    ("value", "distance", "bound"),
    [(1023.4, 50.0, 1023.0), (1023.4, 5_000.0, 1000.0), (-1023.4, 50.0, -1024.0), (3.7, 1e7, 3.7)],
)
def test_bounds_that_lie_close_have_the_digits_of_their_distance(
    value: float, distance: float, bound: float
) -> None:
    assert rounded_down(value, distance) == bound


def test_the_cuts_of_a_model_are_points_of_its_curves() -> None:
    random = np.random.default_rng(3)
    labels = random.random(5000) < 0.1
    scores = np.round(random.random(5000) * 0.5 + 0.3 * labels, 3)

    curves = model_curves(labels, scores)
    assert curves is not None
    honest, found = ([0.0, *each] for each in zip(
        *((cut.honest, cut.charged_back) for cut in curves.cuts), strict=True))  # fmt: skip
    area = np.trapezoid(found, honest)
    assert area == pytest.approx(roc_auc_score(labels, scores), abs=0.005)
    precision, recall, _ = precision_recall_curve(labels, scores)
    points = set(zip(recall.round(9), precision.round(9), strict=True))
    cuts = {(round(cut.charged_back, 9), round(cut.precision, 9)) for cut in curves.cuts}
    assert cuts <= points
    assert len(curves.cuts) <= 120
    assert (curves.cuts[-1].honest, curves.cuts[-1].charged_back) == (1.0, 1.0)


def test_equal_scores_are_one_cut_and_one_bin() -> None:
    labels = np.arange(400) % 4 == 0

    curves = model_curves(labels, np.full(400, 0.3))
    assert curves is not None
    (cut,), (point,) = curves.cuts, curves.calibration
    assert (cut.honest, cut.charged_back, cut.precision) == (1.0, 1.0, 0.25)
    assert (point.orders, point.charged_back) == (400, 100)
    assert point.mean_score == pytest.approx(0.3)


def test_calibration_has_all_orders_in_bins_that_expect_about_as_much() -> None:
    random = np.random.default_rng(3)
    scores = random.beta(0.3, 5, 20_000)
    labels = random.random(20_000) < scores

    curves = model_curves(labels, scores)
    assert curves is not None
    bins = curves.calibration
    assert sum(each.orders for each in bins) == 20_000
    assert sum(each.charged_back for each in bins) == labels.sum()
    expected = [each.orders * each.mean_score for each in bins]
    assert len(bins) == 10
    assert max(expected) < 1.2 * min(expected)
    assert all(abs(each.charged_back - e) < 5 * e**0.5
               for each, e in zip(bins, expected, strict=True))  # fmt: skip


def test_data_of_one_outcome_have_no_curves() -> None:
    assert model_curves(np.zeros(50, bool), np.linspace(0, 1, 50)) is None
    assert model_curves(np.ones(50, bool), np.linspace(0, 1, 50)) is None
    assert review_costs(np.zeros(50, bool), np.ones(50), np.ones(50), 0.5) is None
    bins = score_bins(np.zeros(50, bool), np.zeros(50))
    assert bins is not None
    assert (sum(bins.honest), bins.shown) == (50, (True, False))


def test_recall_is_that_of_each_period_which_has_enough_charged_back_orders() -> None:
    days = FIRST + np.repeat(np.arange(32), 40)
    labels = np.tile(np.arange(40) < 20, 32)
    labels[days >= FIRST + 28] = False
    labels[-1] = True
    scores = np.where(days < FIRST + 10, 0.9, 0.1)

    found = recalls(some_orders(labels, days), (scores, 0.5), (scores, 0.05))
    assert len(found) <= MOST_PERIODS
    assert [each.own for each in found] == [1.0] * 5 + [0.0] * (len(found) - 5)
    assert {each.current for each in found} == {1.0}
    assert sum(each.charged_back for each in found) == labels.sum()
    assert all(each.charged_back >= LEAST_ORDERS for each in found)
    assert (found[0].first_day, found[-1].last_day) == (date(2018, 3, 10), date(2018, 4, 10))


def test_recall_of_few_charged_back_orders_is_not_shown() -> None:
    labels = np.arange(400) < LEAST_ORDERS - 1

    assert recalls(some_orders(labels), (np.ones(400), 0.5), None) == ()


def test_costs_are_the_amounts_of_what_is_missed_and_the_reviews_of_the_rest() -> None:
    random = np.random.default_rng(5)
    labels, scores = random.random(300) < 0.3, random.random(300)
    # As ten orders with like scores cost the same, it does not matter which of them are summed.
    amounts = np.floor(scores * 10) * 100

    costs = review_costs(labels, scores, amounts, 0.37, review_cents=700)
    assert costs is not None
    for cost in (*costs.by_threshold, costs.chosen):
        below = scores < cost.threshold
        assert cost.missed == pytest.approx(amounts[below & labels].sum(), abs=1_000)
        assert cost.flagged == 700 * (~below).sum()
    assert costs.chosen.threshold == 0.37
    assert costs.without_model == amounts[labels].sum()
    assert costs.cheapest.total == min(each.total for each in costs.by_threshold)


def test_no_amount_of_an_order_can_be_told_from_the_costs() -> None:
    random = np.random.default_rng(5)
    labels, scores = random.random(300) < 0.1, random.random(300)
    amounts = random.integers(1, 90_000, 300).astype(float)

    costs = review_costs(labels, scores, amounts, 0.37)
    assert costs is not None
    sums = sorted({each.missed for each in (*costs.by_threshold, costs.chosen)})
    single = amounts[labels][:, None]
    assert np.abs(np.diff(sums) - single).min() > 1
    assert costs.without_model == amounts[labels].sum()
    labels[np.flatnonzero(labels)[LEAST_ORDERS - 1 :]] = False
    assert review_costs(labels, scores, amounts, 0.37) is None


def test_costs_that_a_training_was_given_are_those_of_its_page() -> None:
    random = np.random.default_rng(5)
    labels, scores = random.random(300) < 0.3, random.random(300)
    rule = ThresholdRule(missed_fraud_cents=9_000, refused_order_cents=1_000)

    costs = rule_costs(labels, scores, 0.1, rule)
    assert costs is not None
    for cost in (*costs.by_threshold, costs.chosen):
        assert cost.total == cost_in_cents(labels, scores, cost.threshold, rule)
    assert rule_costs(labels, scores, 0.1, ThresholdRule(missed_fraud_cents=9_000)) is None
