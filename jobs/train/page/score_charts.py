"""Charts of what scores say, and who gets them."""

from collections.abc import Mapping, Sequence
from math import sqrt
from typing import Final

import numpy as np
from matplotlib.axes import Axes

from features_pkg.models.manifest import Metrics
from jobs.train.page.axes import label, odds_of, score_ticks
from jobs.train.page.binning import LEAST_ORDERS
from jobs.train.page.chart import Chart, Table
from jobs.train.page.curves import LEAST_ODDS, MOST_ODDS
from jobs.train.page.drawing import CHOSEN, MUTED, OTHER, OWN, PALE, empty_chart
from jobs.train.page.figures import Figures, OutcomeBins, ScoreBin
from jobs.train.page.numbers import counted, listed, percent
from jobs.train.page.ranking_charts import ONE_OUTCOME

TOO_FEW: Final = (
    f"Nothing to draw: there are fewer than {LEAST_ORDERS} orders of each outcome in the hold-out."
)
FORTUNE: Final = 1.96
"""Of so many standard deviations 95 % are within."""


def calibration_chart(figures: Figures, how: str) -> Chart:
    """Whether as many orders are charged back as the scores say, and how these came about."""
    title = "Calibration"
    if figures.own is None:
        return Chart("calibration", title, f"{ONE_OUTCOME} {how}")
    if not figures.own.calibration:
        return Chart("calibration", title, f"{TOO_FEW} {how}")
    models = [("this model", figures.own.calibration, OWN, "o")]
    if figures.current:
        models.insert(0, ("the model in use", figures.current.calibration, OTHER, "s"))
    least = _least_odds([each for _, bins, _, _ in models for each in bins])
    chart = empty_chart()
    ends = (least, MOST_ODDS)
    chart.axes.plot(ends, ends, color=MUTED, linewidth=1, linestyle=":", label="as the score")
    for name, bins, colour, marker in models:
        _draw_bins(chart.axes, bins, colour, marker, name)
    for axis in (chart.axes.xaxis, chart.axes.yaxis):
        score_ticks(axis, *ends)
    chart.axes.set_ylim(least, MOST_ODDS)
    label(chart.axes, "mean score", "charged back")
    chart.axes.legend(loc="upper left")
    svg = chart.svg("calibration", title)
    told = {name: bins for name, bins, _, _ in reversed(models)}
    words = f"{_calibration_words(told)} {how}"
    return Chart("calibration", title, words, svg, _calibration_table(told))


def _calibration_words(models: Mapping[str, Sequence[ScoreBin]]) -> str:
    charged_back = sum(each.charged_back for each in models["this model"])
    said = [f"those of {name} to {_expected(bins)}" for name, bins in models.items()]
    return (
        f"{counted(charged_back, 'order')} {'was' if charged_back == 1 else 'were'} charged back. "
        f"The scores add up: {listed(said)}. Each point is a bin of orders with like scores; its "
        "bar is where the true share lies with 95 % confidence. Points below the line were scored "
        "too high."
    )


def _calibration_table(models: Mapping[str, Sequence[ScoreBin]]) -> Table:
    rows = tuple(
        (name, percent(each.mean_score), percent(each.charged_back / each.orders),
         f"{each.orders:,}")
        for name, bins in models.items() for each in bins
    )  # fmt: skip
    return Table(("model", "mean score", "charged back", "orders"), rows)


def score_chart(figures: Figures, metrics: Metrics) -> Chart:
    """How the scores of honest and of charged back orders are distributed."""
    title, bins = "Score by outcome", figures.scores
    if bins is None:
        return Chart("scores", title, TOO_FEW)
    edges = np.array([LEAST_ODDS, *bins.bounds, MOST_ODDS])
    chart = empty_chart()
    _draw_outcomes(chart.axes, bins, edges)
    for name, at, style in (("review", metrics.review, "-"), ("block", metrics.block, "-.")):
        chart.axes.axvline(
            odds_of(at.threshold), color=CHOSEN, linewidth=1.2, linestyle=style, label=name
        )
    score_ticks(chart.axes.xaxis, LEAST_ODDS, MOST_ODDS)
    chart.axes.set_yticklabels([])
    label(chart.axes, "score", "orders of the outcome (all of each are one area)")
    chart.axes.set_ylim(top=1.35 * chart.axes.get_ylim()[1])  # room for the legend
    chart.axes.legend(loc="upper center", ncols=2)
    svg = chart.svg("scores", title)
    words = [
        _outcome_words(bins, edges),
        (
            f"Review begins at {metrics.review.threshold:.4f}, blocking at "
            f"{metrics.block.threshold:.4f}."
        ),
    ]
    return Chart("scores", title, " ".join(words), svg, _score_table(bins, edges))


def _draw_outcomes(axes: Axes, bins: OutcomeBins, edges: np.ndarray) -> None:
    if bins.shown[0]:
        heights = _heights(bins.honest, edges)
        axes.stairs(heights, edges, fill=True, color=PALE, label="honest")
        axes.stairs(heights, edges, color=OWN, linewidth=1.2)
    if bins.shown[1]:
        heights = _heights(bins.charged_back, edges)
        axes.stairs(
            heights, edges, color=OTHER, linewidth=2.2, linestyle="--", label="charged back"
        )


def _draw_bins(axes: Axes, bins: Sequence[ScoreBin], colour: str, marker: str, name: str) -> None:
    across = [odds_of(each.mean_score) for each in bins]
    for at, each in zip(across, bins, strict=True):
        low, high = (odds_of(bound) for bound in _interval(each))
        axes.plot([at, at], [low, high], color=colour, linewidth=1.2)
    shares = [odds_of(each.charged_back / each.orders) for each in bins]
    axes.plot(across, shares, color=colour, marker=marker, markersize=5, linewidth=1, label=name)


def _interval(each: ScoreBin) -> tuple[float, float]:
    """Where the share lies with 95 % confidence, by Wilson."""
    share, n = each.charged_back / each.orders, each.orders
    middle = share + FORTUNE**2 / (2 * n)
    half = FORTUNE * sqrt(share * (1 - share) / n + FORTUNE**2 / (4 * n * n))
    scale = 1 + FORTUNE**2 / n
    return max((middle - half) / scale, 0.0), min((middle + half) / scale, 1.0)


def _least_odds(bins: Sequence[ScoreBin]) -> float:
    """The whole logarithm of odds below all points."""
    shares = [min(each.mean_score, each.charged_back / each.orders or 1.0) for each in bins]
    return max(float(np.floor(min(odds_of(share) for share in shares))), LEAST_ODDS)


def _expected(bins: Sequence[ScoreBin]) -> str:
    return f"{round(sum(each.orders * each.mean_score for each in bins)):,}"


def _heights(counts: Sequence[int], edges: np.ndarray) -> np.ndarray:
    return np.asarray(counts) / max(sum(counts), 1) / np.diff(edges)


def _outcome_words(bins: OutcomeBins, edges: np.ndarray) -> str:
    sentences = []
    for name, counts, shown in zip(
        ("honest", "charged back"), (bins.honest, bins.charged_back), bins.shown, strict=True
    ):
        if not shown:
            sentences.append(f"Fewer than {LEAST_ORDERS} orders are {name}, so they are not shown.")
            continue
        middle = int(np.searchsorted(np.cumsum(counts), sum(counts) / 2))
        first = middle if middle == len(counts) - 1 else 0
        part = "Half" if not first else "More than half"
        sentences.append(f"{part} of the {name} orders score {_range(edges, first, middle)}.")
    return " ".join(sentences)


def _score_table(bins: OutcomeBins, edges: np.ndarray) -> Table:
    rows = tuple(
        (_range(edges, at, at), f"{bins.honest[at]:,}", f"{bins.charged_back[at]:,}")
        for at in range(len(bins.honest))
    )
    return Table(("score", "honest", "charged back"), rows)


def _range(edges: np.ndarray, first: int, last: int) -> str:
    """The scores of neighbouring bins; the outer ones are open."""
    low, high = (1 / (1 + 10.0 ** -edges[at]) for at in (first, last + 1))
    if first == 0 and last + 2 == len(edges):
        return "from 0 to 1"
    if first == 0:
        return f"below {high:.2g}"
    return f"{low:.2g} and more" if last + 2 == len(edges) else f"{low:.2g} to {high:.2g}"
