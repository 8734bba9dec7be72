"""`ontem train`."""

from pathlib import Path

import click

from jobs.entry import job_here
from stores.files.store import open_store


@click.command()
@click.option(
    "--training-set",
    "revision",
    type=click.IntRange(min=1),
    help="Revision of the training set.  [default: the newest]",
)
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the model.  [default: one among the package's shipped models]",
)
@click.option(
    "--without-velocity", is_flag=True, help="Train on the order features alone, to compare."
)
@click.option(
    "--seed",
    type=int,
    default=20180601,
    show_default=True,
    help="The same seed gives the same model.",
)
def train(revision: int | None, output: Path | None, without_velocity: bool, seed: int) -> None:  # noqa: FBT001  click gives flags by name
    """Train a model on a training set."""
    from jobs.train.run import TrainingOptions
    from jobs.train.run import train as run

    job = job_here()
    options = TrainingOptions(
        revision=revision, output=output, velocity=not without_velocity, seed=seed
    )
    folder, model = run(open_store(job.settings.storage_url), job.feature_set, options)
    metrics = model.metrics
    click.echo(f"model {model.name} in {folder}")
    click.echo(f"  trained on {_describe(model.training.orders, model.training.charged_back)}")
    click.echo(f"  measured on {_describe(model.hold_out.orders, model.hold_out.charged_back)}")
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


def _describe(orders: int, charged_back: int) -> str:
    return f"{orders:,} orders, {charged_back:,} of them charged back"


def _number(value: float | None) -> str:
    return "null" if value is None else f"{value:.4f}"
