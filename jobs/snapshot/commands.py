"""`ontem publish`, `unpublish` and `snapshots`."""

from datetime import date, datetime

import click

from jobs.entry import CLOCK, Day, job_here
from jobs.snapshot.withdraw import row_of
from stores.postgres.loads import LoadRow, loads_of
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
def snapshots() -> None:
    """List all loads with their day, entities and state."""
    job = job_here()
    with connect_redis(job.settings.redis_url) as client, job.connect() as connection:
        listed = read_published(client, job.namespace).load_list.loads
        rows = loads_of(connection, job.namespace.timelines)
    if not rows:
        click.echo("no snapshot yet: build one with `ontem night --as-of DAY`")
    found = [row_of(load, rows) for load in listed]
    for row in rows:
        is_ours = row.entity_key_id == job.namespace.key_id
        click.echo(_describe(row, is_ours=is_ours, is_listed=row in found))
    for load, listed_row in zip(listed, found, strict=True):
        if listed_row is None:
            click.echo(
                f"as of {date.fromordinal(load.as_of)}  load {load.load_id}  "
                f"{load.entities:,} entities  published, but not one that PostgreSQL has: "
                "the next night withdraws it"
            )


def _describe(row: LoadRow, *, is_ours: bool, is_listed: bool) -> str:
    if not is_ours:
        state = f"of another ONTEM_ENTITY_KEY ({row.entity_key_id})"
    elif is_listed:
        state = f"published {row.published_at:%Y-%m-%d %H:%M}Z" if row.published_at else "published"
    elif row.withdrawn_at:
        state = f"withdrawn {row.withdrawn_at:%Y-%m-%d %H:%M}Z"
    else:
        state = "lost by Redis" if row.published_at else "not finished"
    return f"as of {row.as_of}  load {row.load_id}  {row.entities:,} entities  {state}"
