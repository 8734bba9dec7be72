"""`ontem migrate`: bring the database of the settings to the newest schema."""

import click

from stores.settings import settings_here, without_password


@click.command()
def migrate() -> None:
    """Create or complete the schema; a second call changes nothing."""
    from stores.postgres.migrate import migrate as bring_up_to_date

    settings = settings_here()
    bring_up_to_date(settings.postgres_url, environment=settings.environment)
    click.echo(
        f"{without_password(settings.postgres_url)} has the newest schema, "
        f"as {settings.environment}."
    )
