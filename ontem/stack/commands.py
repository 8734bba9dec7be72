"""`ontem up`, `ontem down` and `ontem status`."""

import click
from rich.console import Console
from rich.table import Table

from ontem.stack.local import LocalStack
from stores.settings import project_here


def project_stack() -> LocalStack:
    """The stack of the project that the current folder belongs to."""
    return LocalStack(project_here())


@click.command()
def up() -> None:
    """Start the local PostgreSQL and Redis."""
    for sentence in project_stack().up():
        click.echo(sentence)


@click.command()
@click.option(
    "--erase", is_flag=True, help="Also remove their data and the offline store, for good."
)
def down(*, erase: bool) -> None:
    """Stop the local PostgreSQL and Redis; their data stay."""
    stack = project_stack()
    if erase:
        stack.remove()
        click.echo("PostgreSQL and Redis are down; their data and the offline store are gone.")
    else:
        stack.down()
        click.echo("PostgreSQL and Redis are down; their data stay.")


@click.command()
def status() -> None:
    """Show the state, address, version and size of both servers."""
    table = Table("server", "state", "address", "version", "data")
    for server in project_stack().status():
        state = "up" if server.is_up else "down"
        size = f"{server.data_bytes / 1_000_000:,.1f} MB"
        table.add_row(server.server, state, server.address, server.version, size)
    Console().print(table)
