"""The page of a model, from its report and its figures."""

from collections.abc import Iterable, Iterator
from html import escape
from typing import Final

from features_pkg.models.manifest import ModelManifest, ThresholdMetrics
from jobs.train.markdown import number
from jobs.train.page.card import card
from jobs.train.page.chart import Chart, Table
from jobs.train.page.drawing import look_of_charts
from jobs.train.page.extent_charts import extent_chart
from jobs.train.page.feature_charts import feature_charts
from jobs.train.page.figures import Figures
from jobs.train.page.numbers import counted, percent
from jobs.train.page.ranking_charts import precision_recall_chart, roc_chart
from jobs.train.page.score_charts import calibration_chart, score_chart
from jobs.train.page.style import STYLE
from jobs.train.page.use_charts import cost_chart, recall_chart
from jobs.train.report import Report, dependencies
from jobs.train.validation_report import calibration_sentence

CONTENT_SECURITY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""The page may not load anything, whatever is in it."""
SECTIONS: Final = {
    "quality": "On the hold-out",
    "features": "The most telling features",
    "data": "The data",
    "card": "Model card",
    "origin": "What it depends on",
}


def render_page(report: Report, figures: Figures) -> bytes:
    """The bytes of `report.html`; the same report and figures give the same bytes."""
    with look_of_charts():
        return _page(report, figures).encode()


def _page(report: Report, figures: Figures) -> str:
    manifest = report.manifest
    title = f"Model {manifest.name}"
    parts = [
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{escape(CONTENT_SECURITY)}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark"><link rel="icon" href="data:,">',
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body><main>",
        f"<h1>{escape(title)}</h1>",
        _contents(),
        _summary(report),
        _section("quality", [_grid(_quality(manifest, figures))]),
        _section("features", _features(figures)),
        _section("data", [_figure(extent_chart(figures, manifest))]),
        _section("card", _card(manifest, figures)),
        _section("origin", _origin(report)),
    ]
    return "\n".join([*parts, "</main></body></html>\n"])


def _quality(manifest: ModelManifest, figures: Figures) -> Iterator[Chart]:
    yield roc_chart(figures)
    yield precision_recall_chart(figures)
    yield calibration_chart(figures, calibration_sentence(manifest))
    yield score_chart(figures, manifest.metrics)
    yield recall_chart(figures, manifest.metrics)
    yield cost_chart(figures)


def _section(name: str, parts: Iterable[str]) -> str:
    return f'<section id="{name}"><h2>{escape(SECTIONS[name])}</h2>{"".join(parts)}</section>'


def _contents() -> str:
    links = (f'<a href="#{name}">{escape(title)}</a>' for name, title in SECTIONS.items())
    return f"<nav>{' · '.join(links)}</nav>"


def _summary(report: Report) -> str:
    """The metrics of the model, beside those of the model in use."""
    manifest, other = report.manifest, report.comparison
    columns = ("metric", "this model") + (("model in use",) if other else ())
    measured = [manifest.metrics, *([other.metrics] if other else [])]
    rows = [
        ("ROC AUC", *(number(each.roc_auc) for each in measured)),
        ("average precision", *(number(each.average_precision) for each in measured)),
        ("card precision@100", *(number(each.card_precision_at_100) for each in measured)),
        *_thresholds("review", [each.review for each in measured]),
        *_thresholds("block", [each.block for each in measured]),
    ]
    if other is None:
        sentence = f"Not compared with a model in use: {report.not_compared}."
    else:
        sentence = f"The model in use is {other.model}, measured on the same orders."
        if other.knew_hold_out:
            sentence += " Some of them were in its training, so it looks better than it is."
    table = _table(Table(columns, tuple(rows)), "Metrics on the hold-out")
    return f"<p>{escape(sentence)}</p>{table}"


def _thresholds(decision: str, at: list[ThresholdMetrics]) -> Iterator[tuple[str, ...]]:
    yield (f"{decision} from the score", *(f"{each.threshold:.4f}" for each in at))
    yield (f"{decision}: part of the orders", *(percent(each.share) for each in at))
    yield (f"{decision}: precision", *(number(each.precision) for each in at))
    yield (f"{decision}: recall", *(number(each.recall) for each in at))


def _card(manifest: ModelManifest, figures: Figures) -> Iterator[str]:
    for heading, sentences in card(manifest, figures):
        yield f"<h3>{escape(heading)}</h3>"
        yield from (f"<p>{escape(sentence)}</p>" for sentence in sentences)


def _features(figures: Figures) -> Iterator[str]:
    if not figures.features:
        yield "<p>No feature moves the scores: the model gives all orders the same one.</p>"
        return
    yield (
        f"<p>Those that move scores most, by Shapley values of "
        f"{counted(figures.explained, 'order')} of the hold-out (half of them charged back, where "
        "there are as many), and their values in all of it. What moves a score need not be a "
        "cause.</p>"
    )
    yield _grid(feature_charts(figures))


def _grid(charts: Iterable[Chart]) -> str:
    return f'<div class="grid">{"".join(map(_figure, charts))}</div>'


def _figure(chart: Chart) -> str:
    """A chart with its words, which describe it to who can't see it, and its numbers."""
    name = chart.name
    details = ""
    if chart.table:
        table = _table(chart.table, chart.title)
        details = f"<details><summary>Numbers</summary>{table}</details>"
    return (
        f'<figure id="{name}"><h3 id="{name}-title">{_breakable(chart.title)}</h3>{chart.svg}'
        f'<figcaption id="{name}-words">{escape(chart.words)}</figcaption>{details}</figure>'
    )


def _breakable(title: str) -> str:
    """A title that may be divided where a feature's name is."""
    return escape(title).replace("_", "_<wbr>")


def _origin(report: Report) -> Iterator[str]:
    rows = tuple((name, value.replace("`", "")) for name, value in dependencies(report.manifest))
    yield _table(Table(("what", "value"), rows), "What the model depends on")


def _table(table: Table, caption: str) -> str:
    """A table whose first column heads its rows; it scrolls by itself where it is too wide."""
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in table.columns)
    rows = "".join(
        f'<tr><th scope="row">{escape(first)}</th>'
        f"{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"
        for first, *cells in table.rows
    )
    return (
        f'<div class="table" role="region" aria-label="{escape(caption)}" tabindex="0"><table>'
        f"<caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{rows}</tbody></table></div>"
    )
