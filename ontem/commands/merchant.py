"""`ontem merchant`: who may ask for evaluations, with which keys, and how scores decide."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import click

from stores.policy import DECISIONS, USUAL_POLICY, WHEN_NOT_STORED, Policy
from stores.postgres.api_keys import KEY_CACHE_SECONDS
from stores.postgres.connection import Connection
from stores.postgres.issued_keys import issue_key, keys_of, revoke_key, rotate_key
from stores.postgres.merchants import add_merchant, all_merchants, change_policy, find_merchant
from stores.postgres.sessions import open_session
from stores.settings import settings_here

FOLLOWS = f"A running service follows within {KEY_CACHE_SECONDS} seconds."


class NumberOrNone(click.ParamType[object]):
    """A whole number, or the word `none`, which is None."""

    name = "number"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """How `--help` shows the value."""
        return "NUMBER|none"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> object:
        """The number in an option's text, NONE for `none`."""
        if value is NONE or isinstance(value, int):
            return value
        if value == "none":
            return NONE
        if isinstance(value, str) and value.isascii() and value.isdigit():
            return int(value)
        return self.fail(f"{value!r} is neither a whole number nor none", param, ctx)


NONE: Final = object()
"""That an option says `none`; one that was left out is None."""

_OPTIONS: Final[tuple[tuple[str, click.ParamType[Any] | type, str], ...]] = (
    ("review_at", float, "Lowest score to review."),
    ("block_at", float, "Lowest score to block."),
    ("decision_without_score", click.Choice(DECISIONS), "Decision where there is no score."),
    (
        "large_amount_cents",
        NumberOrNone(),
        "From this amount on, --decision-large-amount where there is no score.",
    ),
    (
        "decision_large_amount",
        click.Choice(DECISIONS),
        "Decision for such an amount where there is no score.",
    ),
    (
        "when_not_stored",
        click.Choice(WHEN_NOT_STORED),
        "Refuse an order that can't be stored, or answer it as not recorded.",
    ),
    (
        "deadline_ms",
        NumberOrNone(),
        "How long the merchant waits for an answer; the service's own limit if that is less.",
    ),
    (
        "requests_per_second",
        NumberOrNone(),
        "How many requests all processes of the service together answer; more get a 429.",
    ),
)


def policy_options(defaults: Policy | None) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The options that make a policy; with no defaults one that is left out is None."""

    def add(command: Callable[..., None]) -> Callable[..., None]:
        for name, kind, text in reversed(_OPTIONS):
            default = None if defaults is None else getattr(defaults, name)
            if defaults is not None and default is None:
                default = "none"
            option = "--" + name.replace("_", "-")
            command = click.option(
                option, type=kind, default=default, show_default=defaults is not None, help=text
            )(command)
        return command

    return add


def _values(options: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a policy that options give."""
    given = {name: value for name, value in options.items() if value is not None}
    return {name: None if value is NONE else value for name, value in given.items()}


@click.group()
def merchant() -> None:
    """Manage merchants, their policies and API keys."""


@merchant.command()
@click.argument("name")
@policy_options(USUAL_POLICY)
def create(name: str, **options: Any) -> None:
    """Create a merchant and print its API key. The key is not shown again."""
    policy = Policy(**_values(options))
    with _connection() as connection, connection.transaction():
        key = issue_key(connection, add_merchant(connection, name, policy))
    click.echo(key.text)


@merchant.command(epilog=FOLLOWS)
@click.argument("name")
@policy_options(None)
def policy(name: str, **options: Any) -> None:
    """Change or print a merchant's policy. An option left out changes nothing."""
    with _connection() as connection:
        click.echo(_sentence(change_policy(connection, name, **_values(options))))


@merchant.command()
@click.argument("name")
def rotate(name: str) -> None:
    """Print one more API key. The one before works until it is revoked."""
    with _connection() as connection:
        click.echo(rotate_key(connection, name).text)


@merchant.command()
@click.argument("name")
def keys(name: str) -> None:
    """List the ids of a merchant's API keys, and when each was made and revoked."""
    with _connection() as connection:
        for key in keys_of(connection, find_merchant(connection, name)):
            state = "works" if key.revoked_at is None else f"revoked {_minute(key.revoked_at)}"
            click.echo(f"{key.key_id}\tmade {_minute(key.created_at)}\t{state}")


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


def _minute(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%MZ}"


def _sentence(policy: Policy) -> str:
    parts = [
        f"review at {policy.review_at:g}",
        f"block at {policy.block_at:g}",
        f"without score {policy.decision_without_score}",
    ]
    if policy.large_amount_cents is not None:
        parts.append(f"from {policy.large_amount_cents} cents on {policy.decision_large_amount}")
    parts.append(f"not stored {policy.when_not_stored}")
    if policy.deadline_ms is not None:
        parts.append(f"deadline {policy.deadline_ms} ms")
    if policy.requests_per_second is not None:
        parts.append(f"at most {policy.requests_per_second} requests a second")
    return ", ".join(parts)


def _connection() -> Connection:
    url = settings_here().postgres_url
    return open_session(url, application_name="ontem merchant", autocommit=True)
