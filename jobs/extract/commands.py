"""`ontem extract`."""

from datetime import date, datetime

import click

from features_pkg.calendar import to_us
from jobs.entry import CLOCK, job_here
from jobs.job import Job
from stores.postgres.clock import database_clock
from stores.postgres.runs import Outcome


@click.command()
@click.option("--full", is_flag=True, help="Read all of PostgreSQL, not only what is new.")
@CLOCK
def extract(full: bool, clock: datetime | None) -> None:  # noqa: FBT001  click gives flags by name
    """Append what is new in PostgreSQL to the offline store.

    No value of an identifier leaves PostgreSQL. Nights and training sets do this by themselves.
    """
    from jobs.extract.run import extract as run
    from jobs.run_record import recorded
    from jobs.watermark import wait_for_rows
    from stores.offline.tables import open_store

    job = job_here(clock)
    with recorded(job, "extract", _today(job)) as recording:
        store = open_store(job.settings)
        with job.connect() as connection:
            watermark = wait_for_rows(connection, say=job.say)
            with recording.timer.stage("extract"):
                result = run(job, connection, store, watermark, full=full)
        if result.new is None:
            recording.outcome = Outcome.UNCHANGED
            click.echo("nothing is new since the last extraction")
            return
        rows, last = result.new.rows, result.extractions.revisions[-1]
        made = recording.result
        made.revision, made.rows, made.bytes = last.name, last.rows, last.bytes
    click.echo(
        f"{rows.order:,} orders, {rows.chargeback:,} chargebacks, {rows.reversal:,} reversals, "
        f"{rows.evaluation:,} later evaluations, {last.bytes:,} bytes\n"
        f"  {last.name}"
    )


def _today(job: Job) -> date:
    """The civil day of the database's clock."""
    with job.connect() as connection:
        now = database_clock(connection)
    return date.fromordinal(job.calendar.day_of(to_us(now)))
