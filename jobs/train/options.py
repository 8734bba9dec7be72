"""Options that `ontem train` and `ontem retrain` share."""

import re

import click


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


SAMPLE = click.option(
    "--sample",
    type=NumberOfOrders(),
    metavar="N",
    help="Fit the model on N orders: all that were charged back, and a sample of the others, which "
    "count for those left out. It is measured on all orders all the same.  [default: all]",
)
