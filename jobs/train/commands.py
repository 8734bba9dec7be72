"""`train`."""

from pathlib import Path

import click

from jobs.entry import job_here
from stores.files.store import open_store


@click.command()
@click.option(
    "--training-set",
    "revision",
    type=click.IntRange(min=1),
    help="Revision of the training set; the newest by default.",
)
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the model; the package's models folder by default.",
)
@click.option("--without-velocity", is_flag=True, help="Use the order features alone.")
@click.option(
    "--seed", type=int, default=20180601, show_default=True, help="Same seed, same model."
)
def train(revision: int | None, output: Path | None, without_velocity: bool, seed: int) -> None:  # noqa: FBT001  click gives flags by name
    """Train a model on a committed training set."""
    from jobs.train.run import Wanted
    from jobs.train.run import train as run

    job = job_here()
    wanted = Wanted(revision=revision, output=output, velocity=not without_velocity, seed=seed)
    folder, model = run(open_store(job.settings.storage_url), job.feature_set, wanted)
    metrics = model.metrics
    click.echo(f"model {model.name} in {folder}")
    click.echo(f"  trained on {_part(model.training.orders, model.training.charged_back)}")
    click.echo(f"  measured on {_part(model.hold_out.orders, model.hold_out.charged_back)}")
    for name, value in (
        ("ROC AUC", metrics.roc_auc),
        ("average precision", metrics.average_precision),
        ("card precision@100", metrics.card_precision_at_100),
    ):
        click.echo(f"  {name}: {_number(value)}")
    for name, at in (("review", metrics.review), ("block", metrics.block)):
        click.echo(
            f"  {name} at {at.threshold:.4f}: {at.share:.2%} of orders, "
            f"precision {_number(at.precision)}, recall {_number(at.recall)}"
        )


def _part(orders: int, charged_back: int) -> str:
    return f"{orders:,} orders, {charged_back:,} of them charged back"


def _number(value: float | None) -> str:
    return "null" if value is None else f"{value:.4f}"
