"""`ontem retrain`."""

from datetime import date

import click

from jobs.entry import Day
from jobs.train.commands import train
from jobs.training_set.commands import training_set


@click.command()
@click.option("--from", "first_day", type=Day(), required=True, help="The first day of orders.")
@click.option("--to", "end_day", type=Day(), help="The day after the last one.  [default: today]")
@click.pass_context
def retrain(context: click.Context, first_day: date, end_day: date | None) -> None:
    """Build the training set of a period, and train a model on it."""
    revision = context.invoke(training_set, first_day=first_day, end_day=end_day)
    context.invoke(train, revision=revision)
