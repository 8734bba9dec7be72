"""`ontem train`."""

from pathlib import Path

import click

from jobs.entry import job_here
from jobs.train.errors import TrainingSetNotNamed
from jobs.training_set.facts import newest_training_sets
from stores.offline.tables import open_store
from stores.settings import candidates_folder, project_here

TRAINING_SETS_SHOWN = 5


@click.command()
@click.option(
    "--training-set",
    "revision",
    type=click.IntRange(min=1),
    help="Revision of the training set; `ontem training-set` prints it.  [required]",
)
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the model.  [default: one of its name in .ontem/models]",
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
    """Train a model on a training set.

    It becomes a candidate: `ontem models` lists it, and nothing serves it until it is chosen.
    """
    from jobs.run_record import recorded
    from jobs.train.run import TrainingOptions, find_training_set
    from jobs.train.run import train as run

    job = job_here()
    store = open_store(job.settings)
    if revision is None:
        shown = newest_training_sets(store, job.feature_set.version, TRAINING_SETS_SHOWN)
        raise TrainingSetNotNamed(
            [f"{number} ({set_.first_day} to {set_.end_day}, {set_.orders:,} orders)"
             for number, set_ in shown]
        )  # fmt: skip
    options = TrainingOptions(
        revision=revision,
        candidates=candidates_folder(project_here()),
        output=output,
        velocity=not without_velocity,
        seed=seed,
    )
    source = find_training_set(store, job.feature_set, revision)
    with recorded(job, "train", source.facts.end_day, reads=source.name):
        folder, model = run(store, job.feature_set, options)
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
    is_candidate = folder.resolve().parent == options.candidates.resolve()
    ship = f"`ontem models ship {folder.name}` and `ontem models use {folder.name}`, or "
    click.echo(f"Next: {ship if is_candidate else ''}set ONTEM_MODEL to {folder.resolve()}")


def _describe(orders: int, charged_back: int) -> str:
    return f"{orders:,} orders, {charged_back:,} of them charged back"


def _number(value: float | None) -> str:
    return "null" if value is None else f"{value:.4f}"
