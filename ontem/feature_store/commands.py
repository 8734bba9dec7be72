"""`ontem features`, and its commands."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from ontem.feature_store.comparing.comparison import compare
from ontem.feature_store.comparing.lookup import Lookup
from ontem.feature_store.comparing.offline_sides import OfflineSides
from ontem.feature_store.printing import (
    comparison_json,
    comparison_lines,
    figure_json,
    figure_lines,
    hit_lines,
    sheet_lines,
)
from ontem.feature_store.sheet import SHIPPED, sheet_of
from ontem.feature_store.words.languages import TEXTS
from ontem.feature_store.words.search import DEFAULT_LIMIT, search

if TYPE_CHECKING:
    from ontem.feature_store.descriptions import FeatureDescription
    from stores.offline.models import StoredModels
    from stores.offline.tables import OfflineStore

JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON in place of the table.")


@click.group()
def features() -> None:
    """Find features by words, show what one means, and compare two sets of them."""


@features.command(name="search")
@click.argument("query", nargs=-1, required=True)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=DEFAULT_LIMIT,
    show_default=True,
    metavar="N",
    help="How many features at most.",
)
@JSON
def search_(
    query: tuple[str, ...],
    limit: int,
    as_json: bool,  # noqa: FBT001  click gives flags by name
) -> None:
    """List the features that QUERY means, in English or Portuguese, the best first.

    For example `ontem features search cards on one device in an hour`.
    """
    hits = search(" ".join(query), SHIPPED.names, limit)
    if as_json:
        click.echo(json.dumps([asdict(hit) for hit in hits], ensure_ascii=False, indent=1))
        return
    for hit in hits:
        click.echo("\n".join(hit_lines(hit)))


@features.command()
@click.argument("name")
@click.option(
    "--language",
    type=click.Choice(list(TEXTS)),
    default="en",
    show_default=True,
    help="Of the definition and of why it matters.",
)
@click.option(
    "--figures",
    is_flag=True,
    help="Also what it costs and holds, and which models use it, as the stores say.",
)
@JSON
def show(
    name: str,
    language: str,
    figures: bool,  # noqa: FBT001  click gives flags by name
    as_json: bool,  # noqa: FBT001
) -> None:
    """Show what the feature NAME means, and what it is null for; it need not ship."""
    sheet = sheet_of(name, language)
    described = _described(name) if figures else None
    if as_json:
        measured = {"figures": figure_json(described)} if described else {}
        click.echo(json.dumps(asdict(sheet) | measured, ensure_ascii=False, indent=1))
        return
    lines = [sheet.name, *sheet_lines(sheet)]
    click.echo("\n".join(lines + (figure_lines(described) if described else [])))


@features.command()
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
@JSON
def diff(
    before: str,
    after: str,
    as_json: bool,  # noqa: FBT001  click gives flags by name
) -> None:
    """Show which features B has and A has not, and what a switch from A to B needs.

    Each is `code`, `current`, the name of a model, or the version of a feature set.
    """
    lookup = _lookup()
    comparison = compare(lookup.side(before), lookup.side(after))
    if as_json:
        click.echo(json.dumps(comparison_json(comparison), indent=1))
        return
    click.echo("\n".join(comparison_lines(comparison)))


def _described(name: str) -> FeatureDescription:
    """What the stores of this process's settings say of a shipped feature."""
    from ontem.feature_store.store import FeatureStore

    with FeatureStore() as store:
        return store.describe(name)


def _lookup() -> Lookup:
    """Where the settings of this process say that models and training sets are."""
    from features_pkg.models.shipped_models import SHIPPED as SHIPPED_MODELS
    from stores.model_settings import ModelSettings
    from stores.settings import Settings, environment_of, project_here

    environ = environment_of(project_here())
    settings = ModelSettings.from_environ(environ, with_store=False)

    def open_models() -> StoredModels:
        from jobs.entry import hand_on_aws_variables
        from stores.offline.files import open_files
        from stores.offline.models import StoredModels

        hand_on_aws_variables(environ)
        with_store = ModelSettings.from_environ(environ, with_store=True)
        return StoredModels(open_files(with_store.storage_url, with_store, writes=False))

    def open_tables() -> OfflineStore:
        from jobs.entry import hand_on_aws_variables
        from stores.offline.tables import open_store

        hand_on_aws_variables(environ)
        return open_store(Settings.from_environ(environ), writes=False)

    return Lookup(
        features=settings.feature_set,
        trust=settings,
        shipped=SHIPPED_MODELS,
        configured=settings.model_path,
        offline=OfflineSides(open_models, open_tables),
    )
