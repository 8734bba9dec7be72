"""`ontem import`."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console

from features_pkg.identifiers import Identifier
from jobs.entry import environment_here
from jobs.importing.errors import TooManyRefused
from jobs.importing.load import ImportResult, import_chargebacks, import_orders
from jobs.importing.mapping import FileKind, FileMapping, read_mapping
from jobs.importing.options import ImportOptions
from jobs.importing.progress import ProgressBar
from jobs.importing.rejects import RejectsFile
from stores.postgres.card_key import check_card_key
from stores.postgres.connection import Connection, postgres_address
from stores.postgres.merchants import (
    MerchantExists,
    MerchantUnknown,
    add_merchant,
    check_name,
    find_merchant,
)
from stores.postgres.sessions import open_session
from stores.settings import Settings

EXISTING_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("import")
@click.argument("file", type=EXISTING_FILE)
@click.option("--merchant", required=True, help="The merchant whose orders they are.")
@click.option("--create-merchant", is_flag=True, help="Create the merchant if there is none.")
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
    help="CSV file for the rows that are refused.  [default: FILE.rejects.csv]",
)
@click.option(
    "--max-refused",
    type=click.IntRange(min=0),
    help="Store nothing if more rows are refused.  [default: store nothing if all are]",
)
def import_(
    file: Path,
    merchant: str,
    create_merchant: bool,  # noqa: FBT001  click gives flags by name
    mapping: Path | None,
    kind: FileKind,
    rejects: Path | None,
    max_refused: int | None,
) -> None:
    """Load orders or chargebacks of the past from a CSV or Parquet FILE.

    Rows that are correct are stored in one transaction. Rows that are refused are written to a file
    with the reason. If all are, or more than --max-refused, nothing is stored and the exit code
    is 8. Importing a file again changes nothing.
    """
    settings = Settings.from_environ(environment_here())
    file_mapping = read_mapping(mapping) if mapping else FileMapping()
    rejects_file = RejectsFile(rejects or Path(f"{file.name}.rejects.csv"))
    load = import_orders if kind == "orders" else import_chargebacks
    url = settings.postgres_url
    with (
        open_session(url, application_name="ontem import", autocommit=True) as connection,
        ProgressBar(Console(file=sys.stdout), rejects_file) as progress,
    ):
        check_card_key(connection, postgres_address(url), settings.card_key)
        owner = _Owner(connection, merchant, may_be_new=create_merchant)
        owner.check()
        options = ImportOptions(
            timezone=settings.timezone,
            card_key=settings.card_key,
            max_refused=max_refused,
            may_refuse_all=False,
            listener=progress,
        )
        try:
            result = load(connection, file, owner.merchant_id, file_mapping, options)
        except TooManyRefused:
            click.echo(f"the refused rows are in {rejects_file.path}")
            raise
    if owner.is_new:
        click.echo(f"{merchant} is a new merchant")
    click.echo(_summary(file, result, rejects_file))


@dataclass(slots=True)
class _Owner:
    """The merchant of a name; one that may be new is created when the rows are stored."""

    connection: Connection
    name: str
    may_be_new: bool
    is_new: bool = False

    def check(self) -> None:
        """Refuse before a file is read what would be refused when it is stored."""
        if self.may_be_new:
            check_name(self.name)
        else:
            find_merchant(self.connection, self.name)

    def merchant_id(self) -> int:
        """Its id. Another import may create it at the same moment."""
        try:
            return find_merchant(self.connection, self.name).merchant_id
        except MerchantUnknown:
            if not self.may_be_new:
                raise
        try:
            merchant = add_merchant(self.connection, self.name)
        except MerchantExists:
            return find_merchant(self.connection, self.name).merchant_id
        self.is_new = True
        return merchant.merchant_id


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
    if result.orders_at_another_instant:
        parts.append(
            f"{result.orders_at_another_instant:,} of the stored orders count from another instant "
            "than the file says, which stays"
        )
    if result.chargebacks_waiting:
        parts.append(f"{result.chargebacks_waiting:,} chargebacks wait for their order")
    return "; ".join(parts + _card_sentences(result.card_numbers))


def _card_sentences(card_numbers: Mapping[str, int]) -> list[str]:
    """What happened to card numbers, and which other fields look as if they had some."""
    others = [f"{name} {rows:,}" for name, rows in card_numbers.items() if name != Identifier.CARD]
    sentences = []
    if rows := card_numbers.get(Identifier.CARD):
        sentences.append(f"{rows:,} card numbers replaced by fingerprints")
    if others:
        sentences.append(
            f"values that look like card numbers stay in other fields: {', '.join(others)}"
        )
    return sentences
