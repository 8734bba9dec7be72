"""`ontem migrate`: bring the database of the settings to the newest schema."""

import click

from stores.settings import settings_here


@click.command()
def migrate() -> None:
    """Create or complete the schema; a second call changes nothing."""
    from stores.postgres.connection import postgres_address
    from stores.postgres.migrate import migrate as bring_up_to_date

    settings = settings_here()
    bring_up_to_date(settings.postgres_url, environment=settings.environment)
    click.echo(
        f"PostgreSQL at {postgres_address(settings.postgres_url)} has the newest schema, "
        f"as {settings.environment}."
    )
