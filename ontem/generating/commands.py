"""`ontem generate`."""

from datetime import UTC, datetime
from pathlib import Path

import click

from ontem.generating.files import write, writer
from ontem.generating.generate import generate as generate_orders


def _aware(_context: click.Context, _parameter: click.Parameter, value: str | None) -> datetime:
    """The instant in UTC; now, to the second, when none is given."""
    if value is None:
        return datetime.now(UTC).replace(microsecond=0)
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        raise click.BadParameter(f"{value!r} is no instant such as 2026-05-01T12:00:00Z") from None
    if found.tzinfo is None:
        raise click.BadParameter(f"{value!r} has no time zone: end it in Z or +00:00")
    return found.astimezone(UTC)


@click.command()
@click.option("--orders", type=click.IntRange(1, 100_000_000), required=True, help="How many.")
@click.option("--days", type=click.IntRange(1, 3650), required=True, help="Over how many days.")
@click.option(
    "--seed", type=click.IntRange(0, 2**63 - 1), required=True, help="Same seed, same orders."
)
@click.option(
    "--end", callback=_aware, help="Where they end, as 2026-05-01T12:00:00Z. Default: now."
)
@click.option("--output", type=click.Path(path_type=Path), required=True, help=".parquet or .csv")
def generate(orders: int, days: int, seed: int, end: datetime, output: Path) -> None:
    """Make up orders: honest customers, fraud of several kinds, chargebacks weeks later.

    The same orders, days, seed and end give the same bytes. `ontem import` takes the file as it is.
    """
    writer(output)
    table = generate_orders(orders, days, seed, end)
    write(table, output)
    charged_back = table.num_rows - table["chargeback_at"].null_count
    click.echo(
        f"{output}: {table.num_rows:,} orders of the {days} days before "
        f"{end.isoformat().replace('+00:00', 'Z')}, {charged_back:,} charged back so far"
    )
