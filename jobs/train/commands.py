"""`ontem train`."""

import os
from pathlib import Path
from typing import Final

import click

from features_pkg.models.bundle import PAGE
from features_pkg.models.manifest import ModelManifest, made_by, sampling_sentence
from jobs.entry import job_here
from jobs.train.choice import DEFAULT_SEED, Recipe, TrainingChoice
from jobs.train.errors import TrainingSetNotNamed
from jobs.train.options import SAMPLE, recipe_options
from jobs.training_set.facts import newest_training_sets, training_set_slot
from stores.offline.models import StoredModels
from stores.offline.tables import open_store

TRAINING_SETS_SHOWN: Final = 5
LARGEST_SEED: Final = 2**32 - 1
"""The largest that scikit-learn takes."""


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
    help="Also copy the model into this folder, for ONTEM_MODEL.",
)
@click.option(
    "--without-velocity", is_flag=True, help="Train on the order features alone, to compare."
)
@click.option(
    "--seed",
    type=click.IntRange(0, LARGEST_SEED),
    default=DEFAULT_SEED,
    show_default=True,
    help="The same seed gives the same model.",
)
@SAMPLE
@recipe_options
def train(
    revision: int | None,
    output: Path | None,
    without_velocity: bool,  # noqa: FBT001  click gives flags by name
    seed: int,
    sample: int | None,
    recipe: Recipe,
) -> None:
    """Train a model on a training set.

    It is signed and goes into the offline store, with a report that compares it with the current
    one, as text and as a page with charts (report.html): `ontem models` lists it, and nothing
    serves it until it is chosen.

    A training takes at most so many bytes of memory for each feature of each order that the model
    is fitted on: 10 for boosting, 13 for a forest, 24 for a logistic regression. To these come 200
    bytes for each of these orders, 712 in a logistic regression, 200 for each order of the training
    set, and 1 GB. If there may be less, it is refused before it reads features.
    """
    job = job_here()
    store = open_store(job.settings)
    if revision is None:
        shown = newest_training_sets(store, job.feature_set.version, TRAINING_SETS_SHOWN)
        raise TrainingSetNotNamed(
            [f"{number} ({set_.first_day} to {set_.end_day}, {set_.orders:,} orders)"
             for number, set_ in shown]
        )  # fmt: skip
    let_waiting_threads_sleep()
    from jobs.train.folder_lock import only_writer
    from jobs.train.output import check_output, copy_model
    from jobs.train.recorded import train_recorded

    choice = TrainingChoice(
        revision, velocity=not without_velocity, seed=seed, sample=sample, recipe=recipe
    )
    if output is not None:
        training_set = training_set_slot(job.feature_set.version).name(revision)
        check_output(output, training_set, job.feature_set.order_features, choice)
    model = train_recorded(job, store, choice)
    models = StoredModels(store.files)
    if output is not None:
        with only_writer(output.parent, click.echo):
            copy_model(models, model.name, output)
    describe_model(model, models)
    if output is not None:
        click.echo(f"  its page is also in {output.resolve() / PAGE}")
    ship = f"`ontem models ship {model.name}` and `ontem models use {model.name}`"
    copy = f", or set ONTEM_MODEL to {output.resolve()}" if output else ""
    click.echo(f"Next: {ship}{copy}")


def let_waiting_threads_sleep() -> None:
    """Keep OpenMP's threads from spinning on cores that others need, such as the service's.

    OpenMP reads this as scikit-learn is imported, so call it before. What is set already stays.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")


def describe_model(model: ModelManifest, models: StoredModels) -> None:
    """Print where a model and its page are, and how good it is."""
    click.echo(f"model {model.name} in {models.location(model.name)}")
    click.echo(f"  made by {made_by(model)}")
    click.echo(f"  trained on {_describe(model.training.orders, model.training.charged_back)}")
    if model.sampling:
        click.echo(f"  fitted on {sampling_sentence(model.sampling)}")
    click.echo(f"  measured on {_describe(model.hold_out.orders, model.hold_out.charged_back)}")
    metrics = model.metrics
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
    click.echo(f"  with charts, for a browser: {models.page(model.name)}")


def _describe(orders: int, charged_back: int) -> str:
    return f"{orders:,} orders, {charged_back:,} of them charged back"


def _number(value: float | None) -> str:
    return "null" if value is None else f"{value:.4f}"
