"""`ontem generate`."""

from datetime import UTC, datetime
from pathlib import Path

import click

from jobs.entry import Instant
from ontem.generating.files import write_orders, writer_of
from ontem.generating.generate import generate as generate_orders


@click.command()
@click.option(
    "--orders", type=click.IntRange(1, 100_000_000), required=True, help="How many orders."
)
@click.option("--days", type=click.IntRange(1, 3650), required=True, help="In how many days.")
@click.option(
    "--seed",
    type=click.IntRange(0, 2**63 - 1),
    required=True,
    help="The same seed and end give the same orders.",
)
@click.option(
    "--end", type=Instant(), help="When they end, such as 2026-05-01T12:00:00Z. [default: now]"
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    help="The file to write, .parquet or .csv.",
)
def generate(orders: int, days: int, seed: int, end: datetime | None, output: Path) -> None:
    """Make up orders: honest customers, patterns of fraud, chargebacks weeks later.

    The same numbers, seed and end give the same bytes. `ontem import` reads the file as it is.
    """
    writer_of(output)  # refuses an unknown format before the work is done
    end = (end or datetime.now(UTC).replace(microsecond=0)).astimezone(UTC)
    table = generate_orders(orders, days, seed, end)
    write_orders(table, output)
    charged_back = table.num_rows - table["chargeback_at"].null_count
    click.echo(
        f"{output}: {table.num_rows:,} orders of the {days} days before "
        f"{end.isoformat().replace('+00:00', 'Z')}, {charged_back:,} charged back so far"
    )
