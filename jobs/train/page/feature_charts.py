"""Charts of the features that tell most: which values honest and charged back orders have."""

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from jobs.train.page.axes import label
from jobs.train.page.binning import LEAST_ORDERS
from jobs.train.page.chart import Chart, Table
from jobs.train.page.drawing import OTHER, OWN, PALE, empty_chart
from jobs.train.page.figures import FeatureBins, Figures, OutcomeBins
from jobs.train.page.numbers import compact, percent

HEIGHT = 2.5
OUTCOMES = ("honest", "charged back")
MOST_LETTERS = 32
"""So many have room in a line below the bars."""


def feature_charts(figures: Figures) -> Iterator[Chart]:
    """A chart for each of the features that tell most."""
    for number, feature in enumerate(figures.features, 1):
        yield _chart(f"feature-{number}", feature)


def _chart(name: str, feature: FeatureBins) -> Chart:
    slots, bins = _slots(feature), feature.bins
    if not slots:
        return Chart(name, feature.name, f"Too few orders to show: fewer than {LEAST_ORDERS}.")
    shares = [_shares(bins, outcome) for outcome in (0, 1)]
    at = np.arange(len(slots))
    looks: tuple[dict[str, Any], ...] = (
        {"color": PALE, "edgecolor": OWN},
        {"color": OTHER, "hatch": "///"},
    )
    chart = empty_chart(HEIGHT)
    for outcome, look in enumerate(looks):
        if bins.shown[outcome]:
            chart.axes.bar(
                at + 0.4 * outcome - 0.2, shares[outcome], 0.38, linewidth=0.8,
                label=OUTCOMES[outcome], **look,
            )  # fmt: skip
    _name_bounds(chart.axes, feature, len(slots))
    chart.axes.yaxis.set_major_formatter(lambda share, _: f"{100 * share:.3g} %")
    chart.axes.grid(visible=False, axis="x")
    chart.axes.margins(y=0.3)
    label(chart.axes, "value", "orders of the outcome")
    chart.axes.legend(loc="upper center", ncols=2, borderaxespad=0.1)
    svg = chart.svg(name, feature.name)
    rows = tuple(
        (slot, *(_told(bins, outcome, shares, place) for outcome in (0, 1)))
        for place, slot in enumerate(slots)
    )
    return Chart(name, feature.name, _words(feature, slots, shares), svg,
                 Table(("value", *OUTCOMES), rows))  # fmt: skip


def _slots(feature: FeatureBins) -> list[str]:
    """What each bar is of: the values of a bin, and nulls as the last one."""
    bins, name = feature.bins, feature.name
    bounds = [compact(bound, name) for bound in bins.bounds]
    between = [f"{low} to {high}" for low, high in itertools.pairwise(bounds)]
    slots = [f"below {bounds[0]}", *between, f"{bounds[-1]} and more"] if bounds else []
    if not bounds and bins.honest:
        slots = ["any value"]
    return [*slots, "null"] if bins.has_nulls else slots


def _shares(bins: OutcomeBins, outcome: int) -> list[float]:
    counts = list((bins.honest, bins.charged_back)[outcome])
    if bins.has_nulls:
        counts.append(bins.nulls[outcome] or 0)
    return [count / max(sum(counts), 1) for count in counts]


def _told(bins: OutcomeBins, outcome: int, shares: list[list[float]], slot: int) -> str:
    if not bins.shown[outcome]:
        return "not shown"
    is_null = slot == len(bins.honest)
    if is_null and bins.nulls[outcome] is None:
        return f"fewer than {LEAST_ORDERS} orders"
    return percent(shares[outcome][slot])


def _name_bounds(axes: Axes, feature: FeatureBins, slots: int) -> None:
    """Name the bounds between the bars, every other one if all have no room, and nulls."""
    bounds = [compact(bound, feature.name) for bound in feature.bins.bounds]
    step = 1 if len("  ".join(bounds)) <= MOST_LETTERS else 2
    names = [(place + 0.5, bounds[place]) for place in range(0, len(bounds), step)]
    if feature.bins.has_nulls:
        names.append((slots - 1.0, "null"))
    axes.set_xticks([at for at, _ in names], [text for _, text in names])


def _words(feature: FeatureBins, slots: list[str], shares: list[list[float]]) -> str:
    sentence = f"It moves the log odds of a score by {feature.moves:.2g} on average."
    shown = [outcome for outcome in (0, 1) if feature.bins.shown[outcome]]
    for outcome in (0, 1):
        if outcome not in shown:
            sentence += (
                f" Fewer than {LEAST_ORDERS} orders are {OUTCOMES[outcome]}: they are not shown."
            )
    if slots == ["null"]:
        return f"{sentence} No order of the hold-out has a value."
    if len(shown) < 2:
        return sentence
    gaps = [charged - honest for honest, charged in zip(*shares, strict=True)]
    told = int(np.argmax(np.abs(gaps)))
    return (
        f"{sentence} Most apart at “{slots[told]}”: {_told(feature.bins, 1, shares, told)} of the "
        f"charged back orders and {_told(feature.bins, 0, shares, told)} of the honest ones."
    )
