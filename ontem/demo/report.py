"""The report of a demo: a page on the terminal, and the same as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table


@dataclass(slots=True)
class Report:
    """The figures of one run. Stages are in seconds, requests in milliseconds."""

    orders: int
    orders_imported: int
    orders_live: int
    chargebacks_live: int
    snapshots: list[str]
    feature_values_compared: int
    feature_values_different: int
    feature_values_not_readable: int
    evaluations_not_in_training: int
    different_examples: list[str]
    evaluate_p50_ms: float | None
    evaluate_p99_ms: float | None
    degraded: int
    decisions: dict[str, int]
    features: int
    feature_set: str
    model: str
    roc_auc: float | None
    roc_auc_without_velocity: float | None
    average_precision: float | None
    card_precision_at_100: float | None
    hold_out_orders: int
    hold_out_charged_back: int
    riskiest_order: dict[str, Any] = field(default_factory=dict)
    stages: dict[str, float] = field(default_factory=dict)

    @property
    def equal(self) -> bool:
        """Whether training repeats serving: values were compared and none of them differs."""
        compared = self.feature_values_compared > 0 or self.orders_live == 0
        failed = self.feature_values_different + self.evaluations_not_in_training
        return compared and not failed


def save(report: Report, path: Path) -> None:
    """Write the report as JSON."""
    path.write_text(json.dumps(asdict(report), indent=2, default=str) + "\n", encoding="utf-8")


def show(report: Report, console: Console) -> None:
    """Print the page."""
    console.print()
    console.rule("What the demo saw")
    console.print(_figures(report))
    if report.riskiest_order:
        for line in _explanation(report.riskiest_order):
            console.print(line, highlight=False, soft_wrap=True)
    for example in report.different_examples:
        console.print(f"[red]differs:[/red] {escape(example)}", soft_wrap=True)
    verdict = "[bold green]0[/bold green]" if report.equal else "[bold red]NOT 0[/bold red]"
    console.print(
        f"Feature values where the stored vector and the training set differ: {verdict} "
        f"({report.feature_values_different:,} of {report.feature_values_compared:,} compared)"
    )


def _figures(report: Report) -> Table:
    table = Table(show_header=False, box=None, padding=(0, 2))
    rows = {
        "orders": f"{report.orders:,} ({report.orders_imported:,} imported as history, "
        f"{report.orders_live:,} sent live)",
        "chargebacks that came in live": f"{report.chargebacks_live:,}",
        "snapshots": ", ".join(report.snapshots),
        "features": f"{report.features} (feature set {report.feature_set})",
        "model": report.model,
        "POST /evaluate, one client": f"p50 {_number(report.evaluate_p50_ms)} ms, "
        f"p99 {_number(report.evaluate_p99_ms)} ms",
        "decisions": ", ".join(f"{n:,} {word}" for word, n in sorted(report.decisions.items()))
        + (f"; {report.degraded:,} degraded" if report.degraded else ""),
        "ROC AUC on the hold-out": f"{_number(report.roc_auc)} with velocity features, "
        f"{_number(report.roc_auc_without_velocity)} without "
        f"({report.hold_out_orders:,} orders, {report.hold_out_charged_back:,} charged back)",
        "average precision": _number(report.average_precision),
        "card precision@100": _number(report.card_precision_at_100),
        "seconds": f"{sum(report.stages.values()):.0f} in all",
    }
    for name, value in rows.items():
        table.add_row(f"[dim]{name}[/dim]", value)
    return table


def _explanation(order: dict[str, Any]) -> Iterator[str]:
    """Two lines for each feature, so that the longest name is whole on 80 columns."""
    yield (
        f"The riskiest live order, {escape(order['order_id'])}: score {order['score']:.3f}, "
        f"{order['decision']}."
    )
    yield "Its most telling features, and how far each moves the score:"
    for contribution in order["explanation"]:
        value, median = (_number(contribution[key]) for key in ("value", "median"))
        yield f"  [bold]{contribution['change']:+.4f}[/bold]  {contribution['feature']}"
        yield f"           {value} [dim](usually {median})[/dim]"


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.3f}"
