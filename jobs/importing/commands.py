"""`ontem import`."""

import sys
from pathlib import Path

import click
from rich.console import Console

from jobs.importing.load import How, Imported, import_chargebacks, import_orders
from jobs.importing.mapping import Kind, Mapping, read_mapping
from jobs.importing.progress import Shown
from jobs.importing.rejects import RejectsFile
from stores.postgres.connection import Connection, connect
from stores.postgres.merchants import MerchantUnknown, add_merchant, find_merchant
from stores.settings import settings_here

A_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("import")
@click.argument("file", type=A_FILE)
@click.option("--merchant", required=True, help="Whose they are; a new name makes a new merchant.")
@click.option("--mapping", type=A_FILE, help="TOML file that says what the columns are called.")
@click.option(
    "--kind",
    type=click.Choice(["orders", "chargebacks"]),
    default="orders",
    show_default=True,
    help="What its rows are.",
)
@click.option(
    "--rejects", type=click.Path(path_type=Path), help="Where refused rows go. [FILE.rejects.csv]"
)
def import_(
    file: Path, merchant: str, mapping: Path | None, kind: Kind, rejects: Path | None
) -> None:
    """Load orders or chargebacks of the past from a CSV or Parquet FILE.

    All that may be loaded is loaded at once; refused rows are written to a file with the reason,
    and the exit code is 0 all the same. A second import of the same file changes nothing.
    """
    settings = settings_here()
    said = read_mapping(mapping) if mapping else Mapping()
    refused = RejectsFile(rejects or Path(f"{file.name}.rejects.csv"))
    load = import_orders if kind == "orders" else import_chargebacks
    with (
        connect(settings.postgres_url, application_name="ontem import") as connection,
        Shown(Console(file=sys.stdout), refused) as shown,
    ):
        merchant_id = _merchant_id(connection, merchant)
        how = How(timezone=settings.timezone, listener=shown)
        done = load(connection, file, merchant_id, said, how)
    click.echo(_summary(file, done, refused))


def _merchant_id(connection: Connection, name: str) -> int:
    """The merchant of that name; made, and said so, when there is none."""
    try:
        return find_merchant(connection, name).merchant_id
    except MerchantUnknown:
        click.echo(f"{name} is a new merchant")
        return add_merchant(connection, name).merchant_id


def _summary(file: Path, done: Imported, refused: RejectsFile) -> str:
    """One line that says it all."""
    parts = [
        f"{file.name}: {done.rows_read:,} rows read",
        f"{done.orders_new:,} orders and {done.chargebacks_new:,} chargebacks new",
        f"{done.orders_known:,} and {done.chargebacks_known:,} there already",
        f"{done.rows_refused:,} refused" + (f" (see {refused.path})" if refused.rows else ""),
    ]
    return "; ".join(parts)
