"""`ontem models`, and its commands `use` and `ship`."""

from pathlib import Path

import click

from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.models.manifest import ModelManifest
from features_pkg.models.shipped_models import CURRENT, SHIPPED, NoCurrentModel, current_folder
from ontem.models.shelf import ListedModel, Shelf
from stores.settings import candidates_folder, project_here, settings_here

COMMIT = "Commit the change: what is committed serves."


@click.group(invoke_without_command=True)
@click.pass_context
def models(context: click.Context) -> None:
    """List the models with their metrics, which one serves, and why one can't.

    Trained models are candidates, below `.ontem/models`. One that is to serve is shipped and used.
    """
    if context.invoked_subcommand is None:
        list_models(_shelf(), _feature_set(), settings_here().model_path)


@models.command(epilog=COMMIT)
@click.argument("name")
def use(name: str) -> None:
    """Let a shipped model serve. A running service follows when it is started again."""
    shelf = _shelf()
    shelf.use(name, _feature_set())
    click.echo(f"{name} is current: commit {shelf.shipped / CURRENT}")


@models.command(epilog=COMMIT)
@click.argument("name")
def ship(name: str) -> None:
    """Move a candidate among the models that ship with the package."""
    shelf = _shelf()
    shelf.ship(name, _feature_set())
    click.echo(
        f"{name} ships: commit {shelf.shipped / name}, and let it serve with "
        f"`ontem models use {name}`"
    )


def list_models(shelf: Shelf, feature_set: FeatureSet, configured: Path | None) -> None:
    """Print both folders of models, and which model serves; `configured` is that of ONTEM_MODEL."""
    for title, folder in (("shipped", shelf.shipped), ("candidates", shelf.candidates)):
        click.echo(f"{title}, in {folder}:")
        listed = shelf.models(folder, feature_set)
        for each in listed:
            click.echo("\n".join(_lines(each)))
        if not listed:
            click.echo("  none")
    if configured is not None:
        click.echo(f"ONTEM_MODEL is {configured}: that model serves here")
        return
    try:
        current_folder(shelf.shipped)
    except NoCurrentModel as none:
        click.echo(str(none))


def _lines(listed: ListedModel) -> list[str]:
    lines = [f"  {listed.folder.name}{' (current)' if listed.is_current else ''}"]
    if listed.manifest is not None:
        lines.append(f"    {_metrics(listed.manifest)}")
    if listed.refusal:
        lines.append(f"    can't serve: {listed.refusal}")
    return lines


def _metrics(manifest: ModelManifest) -> str:
    metrics, orders = manifest.metrics, manifest.training.orders
    return (
        f"{orders:,} orders from {manifest.training.start:%Y-%m-%d} on, "
        f"{len(manifest.features)} features; ROC AUC {_number(metrics.roc_auc)}, "
        f"average precision {_number(metrics.average_precision)}, "
        f"card precision@100 {_number(metrics.card_precision_at_100)}"
    )


def _number(value: float | None) -> str:
    return "null" if value is None else f"{value:.4f}"


def _shelf() -> Shelf:
    return Shelf(SHIPPED, candidates_folder(project_here()))


def _feature_set() -> FeatureSet:
    settings = settings_here()
    return FeatureSet(settings.timezone, settings.snapshot_lag)
