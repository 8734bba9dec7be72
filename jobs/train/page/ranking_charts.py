"""Charts of how well the models tell charged back orders from honest ones."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jobs.train.page.axes import label
from jobs.train.page.chart import Chart, Table
from jobs.train.page.drawing import MUTED, OTHER, OWN, empty_chart
from jobs.train.page.figures import Figures, ModelCurves
from jobs.train.page.numbers import listed, percent

ONE_OUTCOME = (
    "Nothing to draw: it takes honest and charged back orders in the hold-out, and these are not "
    "of both outcomes."
)
HONEST_SHARES = (0.01, 0.05, 0.1)
FOUND_SHARES = (0.25, 0.5, 0.75)
Points = tuple[list[float], list[float]]


def roc_chart(figures: Figures) -> Chart:
    """What part of the charged back orders is found, by what part of the honest ones is flagged."""
    title = "ROC curve"
    if figures.own is None:
        return Chart("roc", title, ONE_OUTCOME)
    chart = empty_chart()
    chart.axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=":", label="chance")
    for curves, look in _looks(figures.own, figures.current):
        chart.axes.plot(*_roc(curves), **look)
    label(chart.axes, "part of the honest orders that is flagged", "charged back orders found")
    chart.axes.legend(loc="lower right")
    svg = chart.svg("roc", title)
    shares = [percent(share) for share in HONEST_SHARES]
    found = _by_model(figures, _roc, HONEST_SHARES)
    words = (
        f"Where {listed(shares)} of the honest orders are flagged, this model finds "
        f"{listed(found['this model'])} of the charged back ones"
    )
    if figures.current:
        words += f", and the model in use {listed(found['model in use'])}"
    return Chart("roc", title, f"{words}.", svg, _table("honest orders flagged", shares, found))


def precision_recall_chart(figures: Figures) -> Chart:
    """What part of the flagged orders was charged back, by what part of those is found."""
    name, title = "precision-recall", "Precision and recall"
    if figures.own is None:
        return Chart(name, title, ONE_OUTCOME)
    share = figures.own.cuts[-1].precision
    chart = empty_chart()
    chart.axes.axhline(share, color=MUTED, linewidth=1, linestyle=":", label="chance")
    for curves, look in _looks(figures.own, figures.current):
        chart.axes.plot(*_precision(curves), **look)
    chart.axes.set_ylim(-0.04, 1.04)
    label(
        chart.axes,
        "part of the charged back orders that is found",
        "charged back of the flagged orders",
    )
    chart.axes.legend(loc="best")
    svg = chart.svg(name, title)
    shares = [percent(each) for each in FOUND_SHARES]
    found = _by_model(figures, _precision, FOUND_SHARES)
    words = (
        f"Where this model finds {listed(shares)} of the charged back orders, "
        f"{listed(found['this model'])} of the orders that it flags were charged back"
    )
    if figures.current:
        words += f"; where the model in use does, {listed(found['model in use'])}"
    words += f". Of all orders, {percent(share)} were."
    return Chart(name, title, words, svg, _table("charged back orders found", shares, found))


def _roc(curves: ModelCurves) -> Points:
    honest = [0.0, *(cut.honest for cut in curves.cuts)]
    return honest, [0.0, *(cut.charged_back for cut in curves.cuts)]


def _precision(curves: ModelCurves) -> Points:
    cuts = [cut for cut in curves.cuts if cut.charged_back > 0]
    return [cut.charged_back for cut in cuts], [cut.precision for cut in cuts]


def _looks(
    own: ModelCurves, current: ModelCurves | None
) -> list[tuple[ModelCurves, dict[str, Any]]]:
    """The curves to draw, and how: what lies on top comes last."""
    drawn: list[tuple[ModelCurves, dict[str, Any]]] = [(own, {"color": OWN, "label": "this model"})]
    if current is None:
        return drawn
    return [(current, {"color": OTHER, "linestyle": "--", "label": "model in use"}), *drawn]


def _by_model(
    figures: Figures, points: Callable[[ModelCurves], Points], at: Sequence[float]
) -> dict[str, list[str]]:
    models = {"this model": figures.own, "model in use": figures.current}
    return {
        name: [percent(float(np.interp(each, *points(curves)))) for each in at]
        for name, curves in models.items()
        if curves is not None
    }


def _table(first: str, shares: list[str], found: dict[str, list[str]]) -> Table:
    return Table((first, *found), tuple(zip(shares, *found.values(), strict=True)))
