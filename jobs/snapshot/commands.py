"""`ontem publish`, `unpublish` and `snapshots`."""

from datetime import date, datetime

import click

from jobs.entry import CLOCK, Day, job_here
from jobs.snapshot.facts import DATASET
from jobs.snapshot.withdraw import row_of
from stores.postgres.loads import loads_of
from stores.redis.connection import connect_redis
from stores.redis.published import read_published


@click.command()
@click.option(
    "--as-of",
    type=Day(),
    help="Publish the snapshot of this day instead; refused if a newer one is listed.",
)
@CLOCK
def publish(as_of: date | None, clock: datetime | None) -> None:
    """Publish again what requests may ask for, after Redis lost its data."""
    from jobs.snapshot.night import publish_again
    from jobs.snapshot.summary import summary

    click.echo(summary(publish_again(job_here(clock), as_of)))


@click.command()
@CLOCK
def unpublish(clock: datetime | None) -> None:
    """Withdraw the newest published snapshot for good; requests read the one before it."""
    from jobs.snapshot.withdraw import unpublish as run

    load = run(job_here(clock))
    click.echo(f"load {load.load_id} as of {date.fromordinal(load.as_of)} is withdrawn")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, oldest day first.")
def snapshots(
    as_json: bool,  # noqa: FBT001  click gives flags by name
) -> None:
    """List all snapshots of the offline store, and the loads that were made from them."""
    from jobs.snapshot import listing
    from stores.offline.revisions import tagged_revisions
    from stores.offline.tables import find_table, open_store

    job = job_here()
    with connect_redis(job.settings.redis_url) as client, job.connect() as connection:
        loads = read_published(client, job.namespace).load_list.loads
        rows = loads_of(connection, job.namespace.timelines)
    store = open_store(job.settings, writes=False)
    table = find_table(store, f"{DATASET}_{job.namespace.timelines}")
    found = [row_of(load, rows) for load in loads]
    snapshots = listing.listed_snapshots(
        [] if table is None else tagged_revisions(table),
        rows,
        key_id=job.namespace.key_id,
        listed=found,
    )
    if as_json:
        for each in snapshots:
            click.echo(listing.as_json(each))
        return
    if not snapshots:
        click.echo("no snapshot yet: build one with `ontem night --as-of DAY`")
    for each in snapshots:
        click.echo(listing.describe(each))
    for load, listed_row in zip(loads, found, strict=True):
        if listed_row is None:
            click.echo(
                f"as of {date.fromordinal(load.as_of)}  load {load.load_id}  "
                f"{load.entities:,} entities  published, but not one that PostgreSQL has: "
                "the next night withdraws it"
            )
