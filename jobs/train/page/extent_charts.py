"""A chart of the days of a training set."""

import numpy as np
from matplotlib.axes import Axes

from features_pkg.calendar import Calendar, to_us
from features_pkg.models.manifest import LabelledPeriod, ModelManifest
from jobs.train.page.axes import label, name_positions
from jobs.train.page.chart import Chart, Table
from jobs.train.page.drawing import CHOSEN, INK, OTHER, OWN, PALE, empty_chart
from jobs.train.page.figures import Extent, Figures
from jobs.train.page.numbers import counted, days, listed, percent

MOST_GAPS = 8


def extent_chart(figures: Figures, manifest: ModelManifest) -> Chart:
    """How many orders each day has, which have no label, and which days have none."""
    name, title, extent = "extent", "The training set, day by day", figures.extent
    if extent is None or not extent.orders:
        return Chart(name, title, "Nothing to draw: the training set has no order.")
    spans = extent.spans
    at = np.arange(len(spans))
    labelled = np.array([span.labelled for span in spans])
    others = np.array([span.orders for span in spans]) - labelled
    chart = empty_chart()
    edges = np.arange(len(spans) + 1) - 0.5
    chart.axes.stairs(labelled, edges, fill=True, facecolor=PALE, edgecolor=OWN, linewidth=0.6,
                      label="labelled")  # fmt: skip
    chart.axes.stairs(
        labelled + others, edges, baseline=labelled, fill=True, facecolor=OTHER, hatch="////",
        linewidth=0, label="without label",
    )  # fmt: skip
    empty = at[(labelled + others) == 0]
    if len(empty):
        chart.axes.plot(empty, np.zeros(len(empty)), color=CHOSEN, marker="v", markersize=6,
                        linestyle="", clip_on=False, label="no order")  # fmt: skip
    _mark_parts(chart.axes, extent, manifest)
    name_positions(chart.axes, [f"{span.first_day}" for span in spans])
    chart.axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    chart.axes.grid(visible=False, axis="x")
    chart.axes.margins(y=0.35)
    label(chart.axes, "first day of the bar", _bar_name(extent))
    chart.axes.legend(loc="upper center", ncols=3, columnspacing=1.0)
    svg = chart.svg(name, title)
    return Chart(name, title, _words(extent), svg, _table(extent))


def _bar_name(extent: Extent) -> str:
    length = (extent.spans[0].last_day - extent.spans[0].first_day).days + 1
    return "orders a day" if length == 1 else f"orders in {length} days"


def _mark_parts(axes: Axes, extent: Extent, manifest: ModelManifest) -> None:
    """Lines under the bars: the part that was fitted on, and the hold-out."""
    length = (extent.spans[0].last_day - extent.spans[0].first_day).days + 1
    calendar = Calendar(manifest.timezone)
    first = extent.first_day.toordinal()
    top = max(span.orders for span in extent.spans)

    def position(period: LabelledPeriod) -> tuple[float, float]:
        ends = (to_us(period.start), to_us(period.end) - 1)
        return tuple((calendar.day_of(us) - first) / length for us in ends)  # type: ignore[return-value]

    for text, period in (("fitted on", manifest.training), ("hold-out", manifest.hold_out)):
        start, end = position(period)
        axes.plot([start, end], [1.08 * top] * 2, color=INK, linewidth=3, solid_capstyle="butt")
        axes.text((start + end) / 2, 1.1 * top, text, ha="center", va="bottom")


def _words(extent: Extent) -> str:
    late, young = extent.charged_back_late, extent.too_young
    sentences = [
        (
            f"{counted(extent.orders, 'order')} on {counted(extent.days, 'day')}, "
            f"{days(extent.first_day, extent.last_day)}."
        ),
        f"{counted(young, 'order')} ({percent(young / extent.orders)}) "
        f"{'is' if young == 1 else 'are'} too young for a label"
        + (f", and {late:,} were charged back too late for one." if late else "."),
    ]
    if not extent.gaps:
        return " ".join([*sentences, "Every day has orders."])
    longest = sorted(extent.gaps, key=lambda gap: gap[0] - gap[1])[:MOST_GAPS]
    named = listed([days(*gap) for gap in sorted(longest)])
    which = "" if len(longest) == len(extent.gaps) else ", the longest stretches of them"
    empty = extent.empty_days
    return " ".join(
        [
            *sentences,
            f"{counted(empty, 'day')} {'has' if empty == 1 else 'have'} no order{which}: {named}.",
        ]
    )


def _table(extent: Extent) -> Table:
    rows = tuple(
        (days(span.first_day, span.last_day), f"{span.orders:,}", f"{span.labelled:,}")
        for span in extent.spans
    )
    return Table(("days", "orders", "with a label"), rows)
