"""`ontem merchant`: who may ask for evaluations, with which keys, and how scores decide."""

from collections.abc import Callable
from typing import Any

import click

from stores.policy import DECISIONS, Decision, Policy
from stores.postgres.api_keys import KEY_CACHE_SECONDS
from stores.postgres.connection import Connection
from stores.postgres.merchants import (
    add_merchant,
    all_merchants,
    change_policy,
    find_merchant,
    issue_key,
    revoke_key,
)
from stores.postgres.sessions import open_session
from stores.settings import settings_here

FOLLOWS = f"A running service follows within {KEY_CACHE_SECONDS} seconds."


def policy_options(defaults: Policy | None) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The options that say how scores decide; with no defaults one that is left out is None."""

    def add(command: Callable[..., None]) -> Callable[..., None]:
        for name, kind, text in (
            (
                "decision_without_score",
                click.Choice(DECISIONS),
                "Decision where there is no score.",
            ),
            ("block_at", float, "Lowest score to block."),
            ("review_at", float, "Lowest score to review."),
        ):
            default = getattr(defaults, name) if defaults else None
            option = "--" + name.replace("_", "-")
            command = click.option(
                option, type=kind, default=default, show_default=defaults is not None, help=text
            )(command)
        return command

    return add


@click.group()
def merchant() -> None:
    """Manage merchants, their policies and API keys."""


@merchant.command()
@click.argument("name")
@policy_options(Policy())
def create(name: str, review_at: float, block_at: float, decision_without_score: Decision) -> None:
    """Create a merchant and print its API key. The key is not shown again."""
    policy = Policy(review_at, block_at, decision_without_score)
    with _connection() as connection, connection.transaction():
        key = issue_key(connection, add_merchant(connection, name, policy))
    click.echo(key.text)


@merchant.command(epilog=FOLLOWS)
@click.argument("name")
@policy_options(None)
def policy(name: str, **changes: Any) -> None:
    """Change or print a merchant's policy. An option left out changes nothing."""
    with _connection() as connection:
        click.echo(_sentence(change_policy(connection, name, **changes)))


@merchant.command()
@click.argument("name")
def rotate(name: str) -> None:
    """Print one more API key. The older ones work until they are revoked."""
    with _connection() as connection:
        click.echo(issue_key(connection, find_merchant(connection, name)).text)


@merchant.command(epilog=FOLLOWS)
@click.argument("name")
@click.argument("key_id")
def revoke(name: str, key_id: str) -> None:
    """Revoke an API key. KEY_ID is the part of it between the first two `_`."""
    with _connection() as connection:
        revoke_key(connection, find_merchant(connection, name), key_id)
    click.echo(f"key {key_id} is revoked")


@merchant.command(name="list")
def list_merchants() -> None:
    """List the merchants with their policies."""
    with _connection() as connection:
        for each in all_merchants(connection):
            click.echo(f"{each.merchant_id}\t{each.name}\t{_sentence(each.policy)}")


def _sentence(policy: Policy) -> str:
    return (
        f"review at {policy.review_at:g}, block at {policy.block_at:g}, "
        f"without score {policy.decision_without_score}"
    )


def _connection() -> Connection:
    url = settings_here().postgres_url
    return open_session(url, application_name="ontem merchant", autocommit=True)
