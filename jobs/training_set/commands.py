"""`ontem training-set`."""

from datetime import date, datetime

import click

from jobs.entry import CLOCK, Day, Instant, job_here
from jobs.job import Job
from jobs.watermark import newest_readable_day
from stores.postgres.clock import database_clock


@click.command(name="training-set")
@click.option("--from", "first_day", type=Day(), required=True, help="The first day of orders.")
@click.option("--to", "end_day", type=Day(), help="The day after the last one.  [default: today]")
@click.option(
    "--labels-as-of",
    type=Instant(),
    help="Label the orders by what was known at this instant.  [default: now]",
)
@click.option(
    "--include-stale", is_flag=True, help="Include the orders that were served by an old snapshot."
)
@CLOCK
def training_set(
    first_day: date,
    end_day: date | None,
    labels_as_of: datetime | None,
    include_stale: bool,  # noqa: FBT001  click gives flags by name
    clock: datetime | None,
) -> int:
    """Build the training set of the orders of a period.

    The period is from one day to the day before another.
    """
    from jobs.run_record import recorded
    from jobs.training_set.run import TrainingPeriod
    from jobs.training_set.run import training_set as run

    job = job_here(clock)
    end_day = end_day or _today(job)
    click.echo(f"training set from {first_day} to {end_day}")
    period = TrainingPeriod(
        first_day=first_day,
        end_day=end_day,
        labels_as_of=labels_as_of,
        include_stale=include_stale,
    )
    with recorded(job, "training-set", end_day) as recording:
        revision = run(job, period, recording.timer)
        result = recording.result
        result.revision, result.rows, result.bytes = revision.name, revision.rows, revision.bytes
    facts, labels = revision.facts, revision.facts.labels
    click.echo(
        f"{facts.orders:,} orders, {facts.live:,} of them live, {len(facts.features)} features; "
        f"{facts.stale_left_out:,} left out as stale\n"
        f"  labels as of {facts.labels_as_of.isoformat()}: {labels.charged_back:,} charged back, "
        f"{labels.honest:,} not; none for {labels.too_young:,} too young and "
        f"{labels.charged_back_late:,} charged back late\n  {revision.name}\n"
        f"Next: `ontem train --training-set {revision.number}`"
    )
    return revision.number


def _today(job: Job) -> date:
    """The newest day whose past is readable, by the database's clock."""
    with job.connect() as connection:
        return newest_readable_day(database_clock(connection), job.calendar)
