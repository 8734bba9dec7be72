"""`ontem store`."""

from datetime import timedelta

import click

from jobs.entry import job_here
from jobs.store.age import Age
from stores.offline.tables import open_store


@click.group()
def store() -> None:
    """Look after the offline store."""


@store.command()
@click.option("--table", metavar="NAME", help="Restore this table alone, from what --from names.")
@click.option(
    "--from",
    "metadata",
    metavar="METADATA",
    help="The metadata file of --table to go on from, such as 00007-5f0c…; what only other ones "
    "have is given up.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be restored, and change nothing.")
def restore(table: str | None, metadata: str | None, dry_run: bool) -> None:  # noqa: FBT001  click gives flags by name
    """Give the catalogue back what it lost of the tables, from their own metadata.

    A table that it lost comes back. One of which it has an older state, as after PostgreSQL was
    restored from a backup, is brought forward. One whose metadata are gone is taken from it.
    """
    from jobs.store.restore import describe_restoration
    from stores.offline.restoring import restore_from, restore_tables
    from stores.postgres.cleaning import lock_cleaning

    if (table is None) != (metadata is None):
        raise click.UsageError("--table and --from go together: name both or neither")
    job = job_here()
    with job.connect() as connection:  # to the database of these tables, with its schema
        if not dry_run:
            lock_cleaning(connection)  # what is gone on from must not be removed meanwhile
        store = open_store(job.settings)
        if table is not None and metadata is not None:
            restored = [restore_from(store, table, metadata, dry_run=dry_run)]
        else:
            restored = restore_tables(store, dry_run=dry_run)
    for each in restored:
        click.echo(describe_restoration(each))
    if dry_run and restored:
        click.echo("nothing was changed")
    if not restored:
        click.echo("the catalogue has every table in its newest state: nothing was done")


@store.command()
@click.option(
    "--older-than",
    type=Age(),
    metavar="AGE",
    help="Also let go of snapshots, training sets and superseded extractions of that age, such as "
    "30d; at least 1d.  [default: none]",
)
@click.option("--dry-run", is_flag=True, help="Say what would be removed, and change nothing.")
def clean(older_than: timedelta | None, dry_run: bool) -> None:  # noqa: FBT001  click gives flags by name
    """Remove what no table, tag, load, model or running job names.

    What a killed run left goes after a day. Revisions go with --older-than alone, and so do the
    timelines in Redis that had no load for that long and that nobody asks for. These never go:
    the newest of each table, the present extractions, what a load in use was published from, and a
    training set that a model was made from.
    """
    from jobs.job import StageTimer
    from jobs.run_record import recorded
    from jobs.store.clean import Cleaning, total
    from jobs.store.clean import clean as run
    from jobs.store.clean_redis import clean_redis
    from stores.postgres.clock import database_clock
    from stores.postgres.runs import Outcome

    job = job_here()
    with job.connect() as connection:
        store = open_store(job.settings)
        cleaning = Cleaning(job, connection, store)
        cleaning.lock()
        cutoffs = cleaning.cutoffs(older_than)
        if dry_run:
            plan = run(cleaning, cutoffs, StageTimer(job.say), dry_run=True)
            clean_redis(cleaning, cutoffs, dry_run=True)
            click.echo(f"would remove {total(plan.removable)}")
            return
        with recorded(job, "store clean", database_clock(connection).date()) as recording:
            plan = run(cleaning, cutoffs, recording.timer)
            recording.result.bytes = sum(each.bytes for each in plan.removable)
            removed_keys = clean_redis(cleaning, cutoffs)
            if plan.is_empty and not removed_keys:
                recording.outcome = Outcome.UNCHANGED
    click.echo(f"removed {total(plan.removable)}")
