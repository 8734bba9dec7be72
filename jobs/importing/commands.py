"""`ontem import`."""

import sys
from pathlib import Path

import click
from rich.console import Console

from jobs.importing.load import ImportOptions, ImportResult, import_chargebacks, import_orders
from jobs.importing.mapping import FileKind, FileMapping, read_mapping
from jobs.importing.progress import ProgressBar
from jobs.importing.rejects import RejectsFile
from stores.postgres.connection import Connection
from stores.postgres.merchants import MerchantUnknown, add_merchant, find_merchant
from stores.postgres.sessions import open_session
from stores.settings import settings_here

EXISTING_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("import")
@click.argument("file", type=EXISTING_FILE)
@click.option(
    "--merchant",
    required=True,
    help="The merchant whose orders they are; it is created if there is none of this name.",
)
@click.option(
    "--mapping",
    type=EXISTING_FILE,
    help="TOML file that gives the names of the columns, the time zone and the unit of amounts.",
)
@click.option(
    "--kind",
    type=click.Choice(["orders", "chargebacks"]),
    default="orders",
    show_default=True,
    help="What a row of the file is.",
)
@click.option(
    "--rejects",
    type=click.Path(path_type=Path),
    help="CSV file for the rows that are refused. [default: FILE.rejects.csv]",
)
def import_(
    file: Path, merchant: str, mapping: Path | None, kind: FileKind, rejects: Path | None
) -> None:
    """Load orders or chargebacks of the past from a CSV or Parquet FILE.

    Rows that are correct are stored in one transaction. Rows that are refused are written to a file
    with the reason; the exit code is 0 all the same. Importing a file again changes nothing.
    """
    settings = settings_here()
    file_mapping = read_mapping(mapping) if mapping else FileMapping()
    rejects_file = RejectsFile(rejects or Path(f"{file.name}.rejects.csv"))
    load = import_orders if kind == "orders" else import_chargebacks
    with (
        open_session(settings.postgres_url, application_name="ontem import") as connection,
        ProgressBar(Console(file=sys.stdout), rejects_file) as progress,
    ):
        merchant_id = _merchant_id(connection, merchant)
        options = ImportOptions(timezone=settings.timezone, listener=progress)
        result = load(connection, file, merchant_id, file_mapping, options)
    click.echo(_summary(file, result, rejects_file))


def _merchant_id(connection: Connection, name: str) -> int:
    """The merchant of that name; if there is none, it is created and a line says so."""
    try:
        return find_merchant(connection, name).merchant_id
    except MerchantUnknown:
        click.echo(f"{name} is a new merchant")
        return add_merchant(connection, name).merchant_id


def _summary(file: Path, result: ImportResult, rejects_file: RejectsFile) -> str:
    """The counts of the import in one line."""
    parts = [
        f"{file.name}: {result.rows_read:,} rows read",
        f"{result.orders_new:,} orders and {result.chargebacks_new:,} chargebacks new",
        f"{result.orders_known:,} and {result.chargebacks_known:,} already stored",
        f"{result.rows_refused:,} refused"
        + (f" (see {rejects_file.path})" if rejects_file.rows else ""),
    ]
    if result.ids_trimmed:
        parts.append(f"{result.ids_trimmed:,} order ids met their order without their `.0`")
    return "; ".join(parts)
