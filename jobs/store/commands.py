"""`ontem store`."""

import click

from jobs.entry import job_here
from stores.offline.tables import open_store, restore_tables


@click.group()
def store() -> None:
    """Look after the offline store."""


@store.command()
def restore() -> None:
    """Give the catalogue back the tables that it lost, from their own metadata.

    A table whose metadata are gone is taken from the catalogue.
    """
    job = job_here()
    with job.connect():  # the database is the one of these tables, and has its schema
        restored = restore_tables(open_store(job.settings))
    for table, location in restored.items():
        if location is None:
            click.echo(f"{table}: forgotten, its metadata are gone")
        else:
            click.echo(f"{table}: restored from {location}")
    if not restored:
        click.echo("the catalogue has every table: nothing was done")
