"""Thresholds by shares, by a budget of reviews, and by costs; and the options that say so."""

from typing import Any

import click
import numpy as np
import pytest
from click.testing import CliRunner

from features_pkg.models.validation import ThresholdRule
from jobs.train.choice import USUAL_RECIPE, Recipe
from jobs.train.options import recipe_options
from jobs.train.thresholds import cost_in_cents, suggest_thresholds
from ontem.cli import main

SCORES = np.random.default_rng(1).permutation(np.arange(10_000) / 10_000)
DAYS = np.arange(10_000) // 500 + 17_000  # 20 days


def shares(rule: ThresholdRule, scores: np.ndarray = SCORES) -> tuple[int, int]:
    """How many orders are reviewed and blocked."""
    review, block = suggest_thresholds(scores, DAYS[: len(scores)], rule)
    blocked = int((scores >= block).sum())
    return int((scores >= review).sum()) - blocked, blocked


def test_without_a_rule_2_percent_are_reviewed_or_blocked_and_half_a_percent_blocked() -> None:
    assert shares(ThresholdRule()) == (150, 50)


def test_a_budget_is_spent_on_the_riskiest_orders_that_are_not_blocked() -> None:
    assert shares(ThresholdRule(review_budget=30)) == (600, 50)
    assert shares(ThresholdRule(review_budget=0.5)) == (10, 50)
    assert shares(ThresholdRule(review_budget=1e6)) == (9_950, 50)


def test_costs_block_what_costs_more_to_let_pass() -> None:
    rule = ThresholdRule(missed_fraud_cents=90_000, refused_order_cents=10_000)

    review, block = suggest_thresholds(SCORES, DAYS, rule)
    assert block == pytest.approx(0.1)
    assert review == block  # all that would be reviewed is blocked
    dear = ThresholdRule(30, missed_fraud_cents=1, refused_order_cents=99)
    assert shares(dear) == (600, 100)


def test_the_threshold_of_the_costs_is_the_cheapest_where_scores_are_shares_of_fraud() -> None:
    random = np.random.default_rng(3)
    scores = random.random(200_000) ** 3
    labels = random.random(200_000) < scores
    rule = ThresholdRule(missed_fraud_cents=50_000, refused_order_cents=12_500)
    chosen = suggest_thresholds(scores, np.zeros(200_000, np.int64), rule)[1]

    costs = {at: cost_in_cents(labels, scores, at, rule) for at in (chosen, 0.1, 0.4, 0.0, 2.0)}
    assert min(costs, key=lambda at: costs[at] or 0) == chosen
    assert cost_in_cents(labels, scores, chosen, ThresholdRule()) is None
    assert costs[2.0] == int(labels.sum()) * 50_000
    assert costs[0.0] == int((~labels).sum()) * 12_500


def test_where_all_scores_are_the_same_nothing_is_blocked_or_reviewed() -> None:
    same = np.full(100, 0.25)

    assert shares(ThresholdRule(), same) == (0, 0)
    assert shares(ThresholdRule(review_budget=1), same) == (0, 0)
    ones = suggest_thresholds(np.ones(10))
    assert ones == (1.0, 1.0)


@click.command()
@recipe_options
def show(recipe: Recipe) -> None:
    """Print the options that give the recipe again."""
    click.echo(" ".join(recipe.words))
    assert isinstance(recipe, Recipe)


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ([], ""),
        (["--estimator", "forest", "--folds", "0"], "--estimator forest --folds 0"),
        (["--calibration", "none"], "--calibration none"),
        (
            [
                "--review-budget",
                "40",
                "--missed-fraud-cost",
                "350",
                "--refused-order-cost",
                "40.05",
            ],
            "--review-budget 40 --missed-fraud-cost 350.00 --refused-order-cost 40.05",
        ),
        (["--review-budget", "0.00001"], "--review-budget 0.00001"),
    ],
    ids=range(5),
)
def test_the_words_of_a_recipe_give_it_again(words: list[str], shown: str) -> None:
    said = CliRunner().invoke(show, words)
    again = CliRunner().invoke(show, shown.split())

    assert (said.exit_code, said.output) == (0, f"{shown}\n")
    assert again.output == said.output


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--estimator", "svm"], "'svm' is not one of 'boosting', 'logistic', 'forest'"),
        (["--folds", "11"], "11 is not in the range 0<=x<=10"),
        (
            ["--calibration", "beta"],
            "not one of 'auto', 'isotonic', 'sigmoid', 'shift', 'none'",
        ),
        (["--review-budget", "0"], "'0' is not a number of orders above 0; write it like 40"),
        (["--review-budget", "nan"], "'nan' is not a number of orders above 0"),
        (["--review-budget", "-3"], "'-3' is not a number of orders above 0"),
        (["--missed-fraud-cost", "1e5"], "'1e5' is not an amount above 0; write it like 150"),
        (["--missed-fraud-cost", "0.00"], "'0.00' is not an amount above 0"),
        (["--refused-order-cost", "1,50"], "'1,50' is not an amount above 0"),
        (["--missed-fraud-cost", "150"], "give both --missed-fraud-cost and"),
        (["--refused-order-cost", "150"], "give both --missed-fraud-cost and"),
    ],
    ids=range(11),
)
def test_an_option_that_says_nothing_is_refused_in_a_sentence(
    words: list[str], sentence: str
) -> None:
    refused: Any = CliRunner().invoke(show, words)

    assert refused.exit_code == 2
    assert sentence in " ".join(refused.output.split())


def test_the_usual_recipe_has_no_words() -> None:
    assert USUAL_RECIPE.words == []


@pytest.mark.parametrize("seed", ["-1", "4294967296", "1e3", "x"])
def test_a_seed_that_scikit_learn_does_not_take_is_refused_in_a_sentence(seed: str) -> None:
    refused = CliRunner().invoke(main, ["train", "--training-set", "1", "--seed", seed])

    assert refused.exit_code == 2
    assert "Invalid value for '--seed'" in refused.output
