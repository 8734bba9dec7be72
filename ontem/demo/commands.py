"""`ontem demo run` and `ontem demo serve`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape

from features_pkg.calendar import from_us
from jobs.entry import Instant
from ontem.demo.errors import TrainingDiffers
from ontem.demo.files import read_orders
from ontem.demo.folder import DemoFolder
from ontem.demo.orders import DemoOrders, moved_to
from ontem.demo.report import save, show
from ontem.demo.run import Demo
from ontem.demo.serving import serve_demo
from ontem.demo.stages import DemoStages
from ontem.generating import generate
from stores.settings import project_here


@click.group()
def demo() -> None:
    """Run the whole of Ontem once, on a database of its own, and serve it afterwards."""


@demo.command()
@click.option("--orders", type=click.IntRange(1_000, 2_000_000), default=80_000, show_default=True,
              help="How many orders to make up.")  # fmt: skip
@click.option("--days", type=click.IntRange(30, 1_000), default=300, show_default=True,
              help="In how many days before the end.")  # fmt: skip
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True,
              help="The same seed and end give the same orders.")  # fmt: skip
@click.option("--end", type=Instant(), show_default="now",
              help="When the last order is placed, such as 2026-06-01T12:00:00Z.")  # fmt: skip
@click.option("--orders-file", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="Use the orders of this file instead, moved to the end.")  # fmt: skip
@click.option("--mapping", type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="TOML file that names the file's columns, as for `ontem import`.")  # fmt: skip
@click.option("--label-maturity-days", type=click.IntRange(1, 365), default=60, show_default=True,
              help="Days after which an order without a chargeback counts as honest.")  # fmt: skip
def run(
    orders: int,
    days: int,
    seed: int,
    end: datetime | None,
    orders_file: Path | None,
    mapping: Path | None,
    label_maturity_days: int,
) -> None:
    """Import, train, serve two days of orders, and prove that training repeats serving."""
    console, folder = Console(), DemoFolder(project_here())
    stages = DemoStages(folder.path / "logs", console)
    end = end or datetime.now(UTC).replace(microsecond=0)
    with stages.stage("stack up"):
        folder.up()
        folder.start_over({"LABEL_MATURITY_DAYS": str(label_maturity_days)})
    with stages.stage("orders"):
        if orders_file is None:
            table = generate(orders, days, seed, end)
        else:
            table, left_out = read_orders(orders_file, mapping, folder.settings().card_key)
            name = escape(orders_file.name)
            console.print(f"  {name}: {table.num_rows:,} orders, {left_out} left out")
            table = moved_to(table, end, folder.settings().timezone)
        demo_orders = DemoOrders.of(table)
    console.print(f"  live from {from_us(demo_orders.split_us):%Y-%m-%d %H:%M} UTC")
    report = Demo(folder, console, stages).run(demo_orders)
    save(report, folder.report_file)
    show(report, console)
    console.print(f"Kept in {folder.report_file.relative_to(folder.project)}. Next: make serve")
    page = escape(str(folder.model_page.relative_to(folder.project)))
    console.print(f"The model in charts and words, for a browser: {page}", soft_wrap=True)
    if not report.equal:
        raise TrainingDiffers(
            different=report.feature_values_different,
            compared=report.feature_values_compared,
            not_in_training=report.evaluations_not_in_training,
        )


@demo.command()
@click.option("--bind", default="127.0.0.1:8080", show_default=True, help="HOST:PORT to answer at.")
def serve(bind: str) -> None:
    """Serve the demo's model on the ordinary clock, after the night that is missing."""
    serve_demo(DemoFolder(project_here()), bind)
