"""Charts of what a model would have done on the hold-out: what it finds, and what it costs."""

from features_pkg.models.manifest import Metrics
from jobs.train.page.axes import label, name_positions, odds_of, score_ticks
from jobs.train.page.binning import LEAST_ORDERS
from jobs.train.page.chart import Chart, Table
from jobs.train.page.costs import REVIEW_CENTS
from jobs.train.page.curves import LEAST_ODDS, MOST_ODDS
from jobs.train.page.drawing import CHOSEN, INK, OTHER, OWN, empty_chart
from jobs.train.page.figures import Costs, Figures, Recall
from jobs.train.page.numbers import days, money, percent


def recall_chart(figures: Figures, metrics: Metrics) -> Chart:
    """What part of the charged back orders reach the review threshold, over time."""
    name, title, found = "recall", "Recall over time", figures.recalls
    if not found:
        return Chart(
            name,
            title,
            f"Nothing to draw: fewer than {LEAST_ORDERS} orders of the hold-out were charged back.",
        )
    with_current = found[0].current is not None
    chart = empty_chart()
    positions = range(len(found))
    if with_current:
        chart.axes.plot(
            positions, [each.current or 0.0 for each in found],
            color=OTHER, linestyle="--", marker="s", markersize=4, label="model in use",
        )  # fmt: skip
    own = [each.own for each in found]
    chart.axes.plot(positions, own, color=OWN, marker="o", markersize=5, label="this model")
    chart.axes.set_ylim(-0.04, 1.04)
    chart.axes.margins(x=0.12)
    name_positions(chart.axes, [f"{each.first_day:%Y-%m-%d}" for each in found])
    label(chart.axes, "first day of the period", "charged back orders found")
    chart.axes.legend(loc="best")
    svg = chart.svg(name, title)
    words = _recall_words(found, metrics.review.threshold, with_current=with_current)
    return Chart(name, title, words, svg, _recall_table(found, with_current=with_current))


def cost_chart(figures: Figures) -> Chart:
    """What each threshold costs, with the chosen one marked."""
    name, title, costs = "cost", "Cost by threshold", figures.costs
    if costs is None:
        return Chart(
            name,
            title,
            f"Nothing to draw: fewer than {LEAST_ORDERS} orders of the hold-out were charged back.",
        )
    chosen = costs.chosen
    chart = empty_chart()
    across = [odds_of(each.threshold) for each in costs.by_threshold]
    for values, colour, style, text in (
        ([each.missed for each in costs.by_threshold], OTHER, "--", "missed chargebacks"),
        ([each.flagged for each in costs.by_threshold], OWN, ":", _flagged(costs)),
        ([each.total for each in costs.by_threshold], INK, "-", "both"),
    ):
        chart.axes.plot(
            across, [cents / 100 for cents in values], color=colour, linestyle=style, label=text
        )
    at = odds_of(chosen.threshold)
    chart.axes.axvline(at, color=CHOSEN, linewidth=1.2)
    chart.axes.plot(
        [at], [chosen.total / 100], color=CHOSEN, marker="D", markersize=8, linestyle="",
        label="chosen",
    )  # fmt: skip
    most = max(costs.by_threshold[-1].total, chosen.total, 100) / 100
    chart.axes.set_ylim(-0.03 * most, 1.6 * most)
    chart.axes.yaxis.set_major_formatter(lambda value, _: _short(value))
    score_ticks(chart.axes.xaxis, LEAST_ODDS, MOST_ODDS)
    label(
        chart.axes,
        f"score from which an order is {'blocked' if costs.rule else 'reviewed'}",
        "R$ on the hold-out",
    )
    chart.axes.legend(loc="upper right", ncols=2)
    svg = chart.svg(name, title)
    return Chart(name, title, _cost_words(costs), svg, _cost_table(costs))


def _cost_words(costs: Costs) -> str:
    chosen, cheapest = costs.chosen, costs.cheapest
    return (
        f"At the chosen threshold, {chosen.threshold:.4f}, the missed chargebacks cost "
        f"{money(chosen.missed)} and the {_flagged(costs)} {money(chosen.flagged)}: "
        f"{money(chosen.total)} together. Without a model the chargebacks cost "
        f"{money(costs.without_model)}. The "
        f"cheapest threshold here is {cheapest.threshold:.2g}, with {money(cheapest.total)}. "
        f"{_assumption(costs)}"
    )


def _flagged(costs: Costs) -> str:
    return "refused honest orders" if costs.rule else "reviews"


def _assumption(costs: Costs) -> str:
    if costs.rule:
        return (
            "The costs are those that the training was given: "
            f"{money(costs.rule.missed_fraud_cents or 0)} for a missed chargeback, "
            f"{money(costs.rule.refused_order_cents or 0)} for a refused honest order."
        )
    return (
        f"This takes a review to cost {money(REVIEW_CENTS)} and to be right, and a missed "
        "chargeback to cost the mean amount of charged back orders with like scores."
    )


def _cost_table(costs: Costs) -> Table:
    marked = [("chosen", costs.chosen), ("cheapest", costs.cheapest)]
    some = [("", cost) for cost in costs.by_threshold[::6]]
    rows = tuple(
        (f"{cost.threshold:.4f}", mark, money(cost.missed), money(cost.flagged), money(cost.total))
        for mark, cost in sorted((*marked, *some), key=lambda each: each[1].threshold)
    )
    return Table(("threshold", "which", "missed chargebacks", _flagged(costs), "together"), rows)


def _recall_words(found: tuple[Recall, ...], threshold: float, *, with_current: bool) -> str:
    words = (
        f"From the score {threshold:.4f} up, this model finds {_range(found)} of the charged back "
        "orders."
    )
    if len(found) == 1:
        words += (
            f" All of it is one period, {days(found[0].first_day, found[0].last_day)}: it takes "
            f"more days, with {LEAST_ORDERS} charged back orders in each period, to see a course."
        )
    if with_current:
        words += " The dashed line is the model in use, at its own review threshold."
    return words


def _short(value: float) -> str:
    for letter, size in (("M", 1e6), ("k", 1e3)):
        if abs(value) >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"


def _range(found: tuple[Recall, ...]) -> str:
    shares = [each.own for each in found]
    if len(found) == 1 or min(shares) == max(shares):
        return percent(shares[0])
    return f"between {percent(min(shares))} and {percent(max(shares))}"


def _recall_table(found: tuple[Recall, ...], *, with_current: bool) -> Table:
    columns = ("days", "charged back", "this model", *(["model in use"] if with_current else []))
    rows = tuple(
        (
            days(each.first_day, each.last_day),
            f"{each.charged_back:,}",
            percent(each.own),
            *([] if each.current is None else [percent(each.current)]),
        )
        for each in found
    )
    return Table(columns, rows)
