"""Which calibration the folds of a training allow: the sizes it takes, and its own check."""

from dataclasses import replace

import numpy as np
import pytest

from features_pkg.calendar import from_us
from features_pkg.models.calibration import Calibration
from features_pkg.models.scoring import probability
from features_pkg.models.validation import FoldMetrics
from jobs.train.calibration_rule import choose_calibration
from jobs.train.choice import CalibrationChoice
from jobs.train.folds import OutOfFold
from jobs.train.orders import LabelledOrders

ORDERS = 100_000
"""The model is fitted on as many."""
IN_A_FOLD = 20_000
WRONG = (-2.0, 0.5)
"""The log odds of the truth are this line of those that the folds say."""


def a_training(
    lines: tuple[tuple[float, float], ...] = (WRONG, WRONG),
    fitted: tuple[int, ...] = (60_000, 80_000),
    frauds: int | None = None,
) -> tuple[LabelledOrders, OutOfFold]:
    """Orders, and folds of the last ones whose scores are wrong by a line, each by its own.

    With `frauds` so many of the charged back orders stay that, evenly spread over the folds.
    """
    random = np.random.default_rng(3)
    first = ORDERS - IN_A_FOLD * len(lines)
    log_odds = random.normal(-2, 2, IN_A_FOLD * len(lines))
    truth = np.concatenate(
        [
            shift + slope * log_odds[fold * IN_A_FOLD : (fold + 1) * IN_A_FOLD]
            for fold, (shift, slope) in enumerate(lines)
        ]
    )
    labels = np.zeros(ORDERS, np.bool_)
    labels[first:] = random.random(len(truth)) < probability(truth)
    if frauds is not None:
        charged_back = np.flatnonzero(labels)
        labels[:] = False
        labels[charged_back[np.linspace(0, len(charged_back) - 1, frauds).astype(int)]] = True
    zeros = np.zeros(ORDERS, np.int64)
    orders = LabelledOrders(zeros, zeros, labels, zeros, zeros, zeros, zeros)
    instant = from_us(0)
    folds = tuple(
        FoldMetrics(
            start=instant, end=instant, fitted=each, orders=IN_A_FOLD,
            charged_back=1, roc_auc=None, average_precision=None,
        )
        for each in fitted
    )  # fmt: skip
    return orders, OutOfFold(folds, np.arange(first, ORDERS), log_odds)


def chosen(
    choice: CalibrationChoice, training: tuple[LabelledOrders, OutOfFold]
) -> tuple[Calibration | None, str]:
    orders, found = training
    return choose_calibration(choice, orders, None, found)


@pytest.mark.parametrize(
    ("frauds", "method"),
    [(300, "isotonic"), (299, "sigmoid"), (100, "sigmoid"), (99, "shift"), (50, "shift")],
)
def test_the_more_a_method_bends_the_more_charged_back_orders_it_needs(
    frauds: int, method: str
) -> None:
    found, reason = chosen("auto", a_training(frauds=frauds))

    assert found is not None, reason
    assert found.method == method
    assert reason.startswith(f"learnt from {frauds} charged back and {40_000 - frauds:,} other ")
    assert ("isotonic needs 300 charged back and 50 other" in reason) == (method != "isotonic")


def test_of_hardly_any_charged_back_orders_nothing_is_learnt() -> None:
    found, reason = chosen("auto", a_training(frauds=49))

    assert found is None
    assert reason.startswith("there are 49 charged back and 39,951 other orders after 2 of 2 folds")
    assert reason.endswith("shift needs 50 charged back and 50 other orders")


def test_of_hardly_any_other_orders_nothing_is_learnt() -> None:
    orders, found = a_training()
    labels = np.ones(ORDERS, np.bool_)
    labels[-49:] = False

    assert chosen("auto", (replace(orders, labels=labels), found))[0] is None


def test_a_fold_of_less_than_half_of_the_orders_of_the_model_teaches_nothing() -> None:
    """Here the first fold teaches the contrary."""
    contrary = ((3.0, -1.0), WRONG)

    found, reason = chosen("sigmoid", a_training(contrary, fitted=(49_999, 50_000)))
    assert found is not None, reason
    assert found.one(0.0) == pytest.approx(WRONG[0], abs=0.15)
    assert found.one(1.0) - found.one(0.0) == pytest.approx(WRONG[1], abs=0.05)
    assert "after 1 of 2 folds, those fitted on at least half as many orders as the " in reason

    found, reason = chosen("sigmoid", a_training(contrary, fitted=(49_999, 49_998)))
    assert found is None
    assert "no fold was fitted on half as many orders as the model, but on at most 49,999 of" in (
        reason
    )


def test_what_does_not_help_on_the_last_fold_is_refused() -> None:
    """Scores of the earlier fold say too little, and those of the last one are right."""
    found, reason = chosen("auto", a_training(((2.0, 1.0), (0.0, 1.0))))

    assert found is None
    for method in ("isotonic", "sigmoid", "shift"):
        assert f"{method}, learnt from the earlier ones, does not lower the log loss" in reason


def test_where_what_bends_is_refused_what_does_not_may_still_help() -> None:
    """In both folds scores say too much, but how far they are apart is right in the last one."""
    found, reason = chosen("auto", a_training(((-1.9, 0.1), (-1.0, 1.0))))

    assert found is not None, reason
    assert found.method == "shift"
    assert "sigmoid, learnt from the earlier ones, does not lower the log loss" in reason


def test_a_single_fold_is_checked_by_its_later_half() -> None:
    orders, found = a_training(((2.0, 1.0), (0.0, 1.0)))
    whole = replace(found.folds[1], orders=2 * IN_A_FOLD)

    calibration, reason = chosen("auto", (orders, replace(found, folds=(whole,))))
    assert calibration is None
    assert reason.count("does not lower the log loss") == 3


def test_a_method_that_is_named_is_the_only_one() -> None:
    found, reason = chosen("sigmoid", a_training(frauds=99))

    assert found is None
    assert reason.endswith("model; sigmoid needs 100 charged back and 50 other orders")
    named = chosen("shift", a_training())[0]
    assert named is not None
    assert named.method == "shift"


def test_scores_that_are_contrary_to_fraud_teach_no_line() -> None:
    found, reason = chosen("sigmoid", a_training(((-2.0, -1.0), (-2.0, -1.0))))

    assert found is None
    assert reason.endswith("in the folds higher scores do not mean more fraud")


def test_an_order_counts_as_its_weight_says_in_the_check_too() -> None:
    """Where the orders at which a calibration fails count little, it is taken."""
    orders, found = a_training(((2.0, 1.0), (0.0, 1.0)))
    riskier = np.zeros(ORDERS, np.bool_)
    riskier[found.positions] = orders.labels[found.positions]
    weights = np.where(riskier, 9.0, 1.0)

    assert choose_calibration("shift", orders, None, found)[0] is None
    assert choose_calibration("shift", orders, weights, found)[0] is not None
