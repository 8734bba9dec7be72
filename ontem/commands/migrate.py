"""`ontem migrate`: bring the database of the settings to the newest schema."""

import click

from stores.settings import settings_here


@click.command()
@click.option(
    "--new-card-key",
    is_flag=True,
    help="Record another ONTEM_CARD_KEY: a card that was sent as a number is another one then.",
)
def migrate(new_card_key: bool) -> None:  # noqa: FBT001  click gives flags by name
    """Create or complete the schema; a second call changes nothing."""
    from stores.postgres.connection import postgres_address
    from stores.postgres.migrate import migrate as bring_up_to_date
    from stores.postgres.service_role import SERVICE_ROLE

    settings = settings_here()
    has_service_role = bring_up_to_date(
        settings.postgres_url,
        environment=settings.environment,
        card_key=settings.card_key,
        is_new_card_key=new_card_key,
    )
    click.echo(
        f"PostgreSQL at {postgres_address(settings.postgres_url)} has the newest schema, "
        f"as {settings.environment}."
    )
    if not has_service_role:
        click.echo(
            f"The server has no role {SERVICE_ROLE}, as which the service enters: run "
            "sql/service_role.sql as a superuser, then `ontem migrate` again."
        )
