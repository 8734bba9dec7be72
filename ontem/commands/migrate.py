"""`ontem migrate`: the schema of the database that the settings name."""

import os
from pathlib import Path

import click

from stores.settings import Settings, environment, find_project, without_password


@click.command()
def migrate() -> None:
    """Create or complete the schema; a second call changes nothing."""
    from stores.postgres.migrate import migrate as bring_up_to_date

    settings = Settings.from_environ(environment(find_project(Path.cwd()), os.environ))
    bring_up_to_date(settings.postgres_url, environment=settings.environment)
    click.echo(
        f"{without_password(settings.postgres_url)} has the newest schema, "
        f"as {settings.environment}."
    )
