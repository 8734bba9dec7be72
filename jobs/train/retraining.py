"""`ontem retrain`."""

from datetime import date, datetime

import click

from jobs.entry import CLOCK, Day, job_here
from jobs.train.choice import Recipe
from jobs.train.commands import describe_model
from jobs.train.options import SAMPLE, recipe_options
from stores.offline.models import StoredModels
from stores.offline.tables import open_store


@click.command()
@click.option(
    "--from",
    "first_day",
    type=Day(),
    help="The first day of orders.  [default: 180 days before the day after the last one]",
)
@click.option("--to", "end_day", type=Day(), help="The day after the last one.  [default: today]")
@SAMPLE
@recipe_options
@CLOCK
def retrain(
    first_day: date | None,
    end_day: date | None,
    sample: int | None,
    clock: datetime | None,
    recipe: Recipe,
) -> None:
    """Build the training set of the last half year, and train a model on it.

    Once a day: when the model of these days is in the offline store, nothing is done. It serves
    when people merge it: `ontem models propose` opens the pull request.
    """
    from jobs.train.retrain import retrain as run

    job = job_here(clock)
    retrained = run(job, first_day, end_day, sample, recipe)
    models = StoredModels(open_store(job.settings).files)
    if retrained.is_new:
        describe_model(retrained.model, models)
    else:
        click.echo(
            f"the model of {retrained.end_day} is {retrained.model.name} in "
            f"{models.location(retrained.model.name)}: nothing was done"
        )
