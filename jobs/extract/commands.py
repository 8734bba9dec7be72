"""`ontem extract`."""

from datetime import datetime

import click

from jobs.entry import CLOCK, job_here


@click.command()
@click.option("--full", is_flag=True, help="Read all of PostgreSQL, not only what is new.")
@CLOCK
def extract(full: bool, clock: datetime | None) -> None:  # noqa: FBT001  click gives flags by name
    """Append what is new in PostgreSQL to the offline store.

    No value of an identifier leaves PostgreSQL. Nights and training sets do this by themselves.
    """
    from jobs.extract.run import extract as run
    from jobs.job import StageTimer
    from jobs.watermark import wait_for_rows
    from stores.offline.tables import open_store

    job = job_here(clock)
    store = open_store(job.settings)
    with job.connect() as connection:
        watermark = wait_for_rows(connection, say=job.say)
        with StageTimer(job.say).stage("extract"):
            result = run(job, connection, store, watermark, full=full)
    if result.new is None:
        click.echo("nothing is new since the last extraction")
        return
    rows, last = result.new.rows, result.extractions.revisions[-1]
    click.echo(
        f"{rows.order:,} orders, {rows.chargeback:,} chargebacks, {rows.reversal:,} reversals, "
        f"{rows.evaluation:,} later evaluations, {last.bytes:,} bytes\n"
        f"  {last.name}"
    )
