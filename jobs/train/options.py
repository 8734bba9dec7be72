"""Options that `ontem train` and `ontem retrain` share."""

import re
from collections.abc import Callable
from functools import wraps
from typing import Any, Final

import click

from features_pkg.models.validation import ThresholdRule
from jobs.train.choice import (
    CALIBRATIONS,
    ESTIMATOR_NAMES,
    USUAL_RECIPE,
    CalibrationChoice,
    EstimatorName,
    Recipe,
)

MOST_FOLDS: Final = 10


class NumberOfOrders(click.ParamType[int]):
    """A number of orders, such as 1000000 or 1,000,000."""

    name = "orders"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number; a share and anything else end the command with a sentence."""
        digits = re.sub(r"[,_]", "", value)
        if not re.fullmatch(r"[0-9]{1,15}", digits) or int(digits) == 0:
            self.fail(
                f"{value!r} is not a number of orders; write how many the model is fitted on, "
                "those that were charged back included, like 1000000"
            )
        return int(digits)


class Amount(click.ParamType[int]):
    """An amount in the shop's currency, such as 150 or 150.00; the command gets its cents."""

    name = "amount"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The cents; anything else, and 0, ends the command with a sentence."""
        found = re.fullmatch(r"([0-9]{1,9})(?:\.([0-9]{2}))?", value)
        cents = int(found[1]) * 100 + int(found[2] or 0) if found else 0
        if not cents:
            self.fail(f"{value!r} is not an amount above 0; write it like 150 or 150.00")
        return cents


class Budget(click.ParamType[float]):
    """How many orders people review a day, such as 40 or 0.5."""

    name = "orders"

    def convert(
        self, value: str | float, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """The number; anything else, and 0, ends the command with a sentence."""
        text = str(value)
        found = float(text) if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text) else 0.0
        if not found:
            self.fail(f"{value!r} is not a number of orders above 0; write it like 40")
        return found


Command = Callable[..., None]


RECIPE: Final = (
    click.option(
        "--estimator",
        type=click.Choice(ESTIMATOR_NAMES),
        default=USUAL_RECIPE.estimator,
        show_default=True,
        help="What is fitted: boosted trees, a logistic regression or a random forest.",
    ),
    click.option(
        "--folds",
        type=click.IntRange(0, MOST_FOLDS),
        default=USUAL_RECIPE.folds,
        show_default=True,
        help="How many earlier models validate it and calibrate its scores, at most.",
    ),
    click.option(
        "--calibration",
        type=click.Choice(CALIBRATIONS),
        default=USUAL_RECIPE.calibration,
        show_default=True,
        help="How scores become shares of fraud, by the orders that the folds did not know; auto "
        "takes what these allow.",
    ),
    click.option(
        "--review-budget",
        type=Budget(),
        help="Orders that people review a day, by which review_at is suggested.  [default: 2 %]",
    ),
    click.option(
        "--missed-fraud-cost",
        type=Amount(),
        help="What a fraud that passes costs in R$, by which block_at is suggested.",
    ),
    click.option(
        "--refused-order-cost",
        type=Amount(),
        help="What an honest order that is refused costs in R$; goes with --missed-fraud-cost.",
    ),
)
"""The options of a recipe, in the order of the help."""


def recipe_options(command: Command) -> Command:
    """The command with the options of a recipe, which it gets as `recipe`."""

    @wraps(command)
    def with_recipe(
        *arguments: Any,
        estimator: EstimatorName = USUAL_RECIPE.estimator,
        folds: int = USUAL_RECIPE.folds,
        calibration: CalibrationChoice = USUAL_RECIPE.calibration,
        review_budget: float | None = None,
        missed_fraud_cost: int | None = None,
        refused_order_cost: int | None = None,
        **others: Any,
    ) -> None:
        if (missed_fraud_cost is None) != (refused_order_cost is None):
            raise click.UsageError(
                "block_at is weighed by two costs: give both --missed-fraud-cost and "
                "--refused-order-cost, or neither"
            )
        rule = ThresholdRule(review_budget, missed_fraud_cost, refused_order_cost)
        recipe = Recipe(estimator, folds, calibration, rule)
        command(*arguments, recipe=recipe, **others)

    for option in reversed(RECIPE):
        with_recipe = option(with_recipe)
    return with_recipe


SAMPLE = click.option(
    "--sample",
    type=NumberOfOrders(),
    metavar="N",
    help="Fit the model on N orders: all that were charged back, and a sample of the others, which "
    "count for those left out. It is measured on all orders all the same.  [default: all]",
)
