"""`ontem features`, and its commands."""

from __future__ import annotations

import json
import textwrap
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

import click

from ontem.feature_store.comparing.comparison import Comparison, compare
from ontem.feature_store.comparing.lookup import Lookup
from ontem.feature_store.comparing.offline_sides import OfflineSides
from ontem.feature_store.comparing.side import Side
from ontem.feature_store.sheet import SHIPPED, FeatureSheet, sheet_of
from ontem.feature_store.words.hit import Hit
from ontem.feature_store.words.languages import TEXTS
from ontem.feature_store.words.search import DEFAULT_LIMIT, search

if TYPE_CHECKING:
    from stores.offline.models import StoredModels
    from stores.offline.tables import OfflineStore

JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON in place of the table.")
WIDTH: Final = 100
LABEL: Final = 10


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
        click.echo("\n".join(_hit_lines(hit)))


@features.command()
@click.argument("name")
@click.option(
    "--language",
    type=click.Choice(list(TEXTS)),
    default="en",
    show_default=True,
    help="Of the definition and of why it matters.",
)
@JSON
def show(
    name: str,
    language: str,
    as_json: bool,  # noqa: FBT001  click gives flags by name
) -> None:
    """Show what the feature NAME means, and what it is null for; it need not ship."""
    sheet = sheet_of(name, language)
    if as_json:
        click.echo(json.dumps(asdict(sheet), ensure_ascii=False, indent=1))
        return
    click.echo("\n".join([sheet.name, *_sheet_lines(sheet)]))


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
        click.echo(json.dumps(_comparison_json(comparison), indent=1))
        return
    click.echo("\n".join(_comparison_lines(comparison)))


def _hit_lines(hit: Hit) -> list[str]:
    indent = " " * 7
    return [
        f"{hit.score:5.1f}  {hit.name}",
        *textwrap.wrap(hit.words, WIDTH, initial_indent=indent, subsequent_indent=indent),
    ]


def _sheet_lines(sheet: FeatureSheet) -> list[str]:
    rows = [
        ("means", sheet.words),
        ("why", sheet.reason),
        ("formula", sheet.formula),
        ("kind", sheet.kind),
        ("past", sheet.past),
        ("window", sheet.window or "none"),
        ("null for", "; ".join(sheet.null_for) or "never"),
        ("served", sheet.served),
        *[("reads", name) for name in sheet.reads],
        *[("nearest", name) for name in sheet.nearest],
    ]
    return [line for label, text in rows for line in _row_lines(label, text)]


def _row_lines(label: str, text: str) -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=f"  {label:{LABEL}}",
        subsequent_indent=" " * (LABEL + 2),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _comparison_lines(comparison: Comparison) -> list[str]:
    lines = [_side_line(" ", comparison.before), _side_line(" ", comparison.after)]
    lines += [f"+ {name}" for name in comparison.added]
    lines += [f"- {name}" for name in comparison.removed]
    lines.append(
        f"{len(comparison.added)} added, {len(comparison.removed)} removed, "
        f"{len(comparison.same)} the same"
    )
    return lines + [line for text in comparison.sentences for line in _row_lines("switch", text)]


def _side_line(mark: str, side: Side) -> str:
    return (
        f"{mark} {side.title}: {len(side.features)} features of feature set {side.feature_set}, "
        f"timelines {side.timelines}"
    )


def _comparison_json(comparison: Comparison) -> dict[str, object]:
    written = asdict(comparison)
    for side in ("before", "after"):
        written[side].pop("features")
    return written


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
        return open_store(Settings.from_environ(environ))

    return Lookup(
        features=settings.feature_set,
        trust=settings,
        shipped=SHIPPED_MODELS,
        configured=settings.model_path,
        offline=OfflineSides(open_models, open_tables),
    )
