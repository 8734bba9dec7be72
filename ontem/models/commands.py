"""`ontem models`, and its commands."""

from __future__ import annotations

import secrets
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from features_pkg.models.bundle import PAGE
from features_pkg.models.manifest import ModelManifest, made_by
from features_pkg.models.shipped_models import CURRENT, SHIPPED, NoCurrentModel, current_folder
from ontem.models.branch import ModelBranch, git_of, origin_url
from ontem.models.pull_requests import pull_requests
from ontem.models.shelf import ListedModel, Shelf
from ontem.variables import model_keys
from stores.model_keys import verify_keys
from stores.model_settings import ModelSettings
from stores.settings import environment_of, project_here
from stores.variable_reader import KEY_BYTES, VariableReader

if TYPE_CHECKING:
    from stores.offline.models import StoredModels

COMMIT = "Commit the change: what is committed serves."


@click.group(invoke_without_command=True)
@click.pass_context
def models(context: click.Context) -> None:
    """List the models with their metrics, which one serves, and why one can't.

    What `ontem train` made is in the offline store. One that is to serve is shipped and used.
    """
    if context.invoked_subcommand is None:
        settings = _settings()
        shelf = _shelf(settings)
        list_shipped(shelf, settings.model_path)
        list_stored(shelf, _stored(settings))


@models.command(epilog=COMMIT)
@click.argument("name")
def use(name: str) -> None:
    """Let a shipped model serve. A running service follows when it is started again."""
    shelf = _shelf(_settings(with_store=False))
    shelf.use(name)
    click.echo(f"{name} is current: commit {shelf.shipped / CURRENT}")


@models.command(epilog=COMMIT)
@click.argument("name")
def ship(name: str) -> None:
    """Copy a model from the store among those that ship with the package."""
    settings = _settings()
    shelf = _shelf(settings)
    shelf.ship(name, _stored(settings))
    click.echo(
        f"{name} ships: commit {shelf.shipped / name}, and let it serve with "
        f"`ontem models use {name}`"
    )


@models.command(name="roll-back")
@click.argument("name")
def roll_back(name: str) -> None:
    """Let an older model serve again, on purpose.

    A service refuses a model that is older than one that served. NAME ships, or is the model in the
    folder that ONTEM_MODEL names. It may serve until one does that is newer than all that did.
    """
    from jobs.run_record import who_runs
    from stores.postgres.served_models import let_serve_again, newer_model
    from stores.postgres.sessions import open_session

    settings = _settings(with_store=False)
    postgres_url = VariableReader(environment_of(project_here())).postgres_url()
    model = _shelf(settings).find(name, settings.model_path)
    with open_session(postgres_url, application_name="ontem models", autocommit=True) as connection:
        newer = newer_model(connection, model)
        if newer is None:
            click.echo(f"{name} may serve already: nothing was done")
            return
        let_serve_again(connection, model, allowed_by=who_runs())
    click.echo(f"{name} may serve again in the place of {newer.name}: start the service with it")


@models.command()
@click.option("--model", "name", help="Propose this model.  [default: the newest of all features]")
@click.option("--base", default="main", show_default=True, help="The branch to merge into.")
def propose(name: str | None, base: str) -> None:
    """Open a pull request that lets the newest trained model serve.

    The model is fetched from the store and tried as the service would; the branch is model/NAME and
    the text is the report. What is done already is not done again. GITHUB_TOKEN may write the
    contents and the pull requests of the repository; git pushes by it, not by the remote `origin`.
    """
    from ontem.models.proposing import Proposing

    project = project_here()
    environ = environment_of(project)
    settings = _settings()
    github = pull_requests(environ, partial(origin_url, project))
    git = git_of(project, github.git_url, github.token)
    Proposing(
        stored=_stored(settings),
        keys=verify_keys(settings),
        feature_set=settings.feature_set,
        branch=ModelBranch(git, github.repository, base),
        pull_requests=github,
        say=click.echo,
    ).propose(name)


@models.command()
def key() -> None:
    """Print a new pair of keys for models, which is kept nowhere.

    Who trains needs both, who serves ONTEM_MODEL_VERIFY_KEYS alone. To change the pair, serve with
    both public keys, a comma between them, until no model of the old one serves.
    """
    for variable, value in model_keys(secrets.token_bytes(KEY_BYTES)).items():
        click.echo(f"{variable}={value}")


def list_shipped(shelf: Shelf, configured: Path | None) -> None:
    """Print the shipped models, and which model serves; `configured` is that of ONTEM_MODEL."""
    _list("shipped", str(shelf.shipped), shelf.shipped_models())
    if configured is not None:
        click.echo(f"ONTEM_MODEL is {configured}: that model serves here")
        return
    try:
        current_folder(shelf.shipped)
    except NoCurrentModel as none:
        click.echo(str(none))


def list_stored(shelf: Shelf, stored: StoredModels) -> None:
    """Print the models of the offline store."""
    _list("trained", stored.place, shelf.stored_models(stored))


def _list(which: str, place: str, listed: list[ListedModel]) -> None:
    click.echo(f"{which}, in {place}:")
    for each in listed:
        click.echo("\n".join(_lines(each)))
    if not listed:
        click.echo("  none")
        return
    click.echo(f"  each with charts and a model card, for a browser: {place}/NAME/{PAGE}")


def _lines(listed: ListedModel) -> list[str]:
    lines = [f"  {listed.name}{' (current)' if listed.is_current else ''}"]
    if listed.manifest is not None:
        lines.append(f"    {_metrics(listed.manifest)}")
    if listed.refusal:
        lines.append(f"    can't serve: {listed.refusal}")
    return lines


def _metrics(manifest: ModelManifest) -> str:
    metrics, orders = manifest.metrics, manifest.training.orders
    return (
        f"{made_by(manifest)}; {orders:,} orders from {manifest.training.start:%Y-%m-%d} on, "
        f"{len(manifest.features)} features; ROC AUC {_number(metrics.roc_auc)}, "
        f"average precision {_number(metrics.average_precision)}, "
        f"card precision@100 {_number(metrics.card_precision_at_100)}"
    )


def _number(value: float | None) -> str:
    return "null" if value is None else f"{value:.4f}"


def _settings(*, with_store: bool = True) -> ModelSettings:
    return ModelSettings.from_environ(environment_of(project_here()), with_store=with_store)


def _shelf(settings: ModelSettings) -> Shelf:
    return Shelf(SHIPPED, verify_keys(settings), settings.feature_set)


def _stored(settings: ModelSettings) -> StoredModels:
    """The models of the store that the settings name, to be read. Raises StorageUnusable."""
    from jobs.entry import hand_on_aws_variables
    from stores.offline.files import open_files
    from stores.offline.models import StoredModels

    hand_on_aws_variables(environment_of(project_here()))
    return StoredModels(open_files(settings.storage_url, settings, writes=False))
