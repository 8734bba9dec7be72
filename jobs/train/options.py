"""Options that `ontem train` and `ontem retrain` share."""

import re
from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from jobs.train.choice import ESTIMATOR_NAMES, EstimatorName, Recipe


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


Command = Callable[..., None]


def recipe_options(command: Command) -> Command:
    """The command with the options of a recipe, which it gets as `recipe`."""

    @click.option(
        "--estimator",
        type=click.Choice(ESTIMATOR_NAMES),
        default=ESTIMATOR_NAMES[0],
        show_default=True,
        help="What is fitted: boosted trees, a logistic regression or a random forest.",
    )
    @wraps(command)
    def with_recipe(*arguments: Any, estimator: EstimatorName, **others: Any) -> None:
        command(*arguments, recipe=Recipe(estimator), **others)

    return with_recipe


SAMPLE = click.option(
    "--sample",
    type=NumberOfOrders(),
    metavar="N",
    help="Fit the model on N orders: all that were charged back, and a sample of the others, which "
    "count for those left out. It is measured on all orders all the same.  [default: all]",
)
