"""`ontem merchant`: who may ask for evaluations, and with which keys."""

import click

from stores.policy import DECISIONS, Decision, Policy
from stores.postgres.connection import Connection, connect
from stores.postgres.merchants import (
    add_merchant,
    all_merchants,
    find_merchant,
    issue_key,
    revoke_key,
)
from stores.settings import settings_here


@click.group()
def merchant() -> None:
    """Add merchants, list them, and give or end their API keys."""


@merchant.command()
@click.argument("name")
@click.option("--review-at", type=float, default=0.5, show_default=True, help="Score to review at.")
@click.option("--block-at", type=float, default=0.9, show_default=True, help="Score to block at.")
@click.option(
    "--decision-without-score",
    type=click.Choice(DECISIONS),
    default="review",
    show_default=True,
    help="What to decide when there is no score.",
)
def add(name: str, review_at: float, block_at: float, decision_without_score: Decision) -> None:
    """Add a merchant and print its first API key, which is not shown again."""
    policy = Policy(review_at, block_at, decision_without_score)
    with _connection() as connection, connection.transaction():
        key = issue_key(connection, add_merchant(connection, name, policy))
    click.echo(key.text)


@merchant.command(name="list")
def every() -> None:
    """List the merchants with their policies."""
    with _connection() as connection:
        for each in all_merchants(connection):
            policy = each.policy
            click.echo(
                f"{each.merchant_id}\t{each.name}\treview at {policy.review_at:g}, "
                f"block at {policy.block_at:g}, without score {policy.decision_without_score}"
            )


@merchant.command()
@click.argument("name")
@click.option("--revoke", metavar="KEY_ID", help="End this key instead; it counts within 60 s.")
def key(name: str, revoke: str | None) -> None:
    """Print one more API key of a merchant, or end one."""
    with _connection() as connection:
        found = find_merchant(connection, name)
        if revoke is None:
            click.echo(issue_key(connection, found).text)
            return
        revoke_key(connection, found, revoke)
        click.echo(f"key {revoke} is revoked")


def _connection() -> Connection:
    settings = settings_here()
    return connect(settings.postgres_url, application_name="ontem merchant", autocommit=True)
