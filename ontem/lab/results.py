"""What the steps of a trial give, and how it reads."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ontem.lab.checking import CheckedCandidate
from ontem.lab.intervals import Estimate, Figures
from ontem.lab.lifting import LiftedCandidate, LiftFigures
from ontem.lab.peeking import QUANTILES, Example, PeekedCandidate, Shape
from ontem.lab.readable import Readable


@dataclass(frozen=True, slots=True, repr=False)
class Checked(Readable):
    """What `check` found of each candidate."""

    candidates: tuple[CheckedCandidate, ...]

    def lines(self) -> Iterator[str]:
        """A few lines for each candidate."""
        for each in self.candidates:
            yield each.name
            yield f"  servable: {'yes' if not each.not_servable else f'no, {each.not_servable}'}"
            yield f"  bytes an entity: {_bytes(each)}"
            yield f"  rows read per request: {_rows(each)}"
            yield f"  nearest feature: {_nearest(each)}"


def _bytes(each: CheckedCandidate) -> str:
    if each.timeline is None:
        return "0, it reads no timeline"
    return f"{each.timeline.more:.1f} more than the {each.timeline.mean:.1f} of now"


def _rows(each: CheckedCandidate) -> str:
    if each.rows_read is None:
        return "0, it reads nothing recent"
    read = each.rows_read
    more = "which no feature reads yet" if read.more else "which are read for others already"
    return f"{read.mean:.1f} on average, {read.most} at most, {more}"


def _nearest(each: CheckedCandidate) -> str:
    if each.nearest is None or each.correlation is None:
        return f"none: too few of {each.orders:,} values are known, or they are all the same"
    return f"{each.nearest}, rank correlation {each.correlation:.2f} in {each.orders:,} orders"


@dataclass(frozen=True, slots=True, repr=False)
class Peeked(Readable):
    """What `peek` found of each candidate, on a stated sample."""

    sample: str
    candidates: tuple[PeekedCandidate, ...]

    def lines(self) -> Iterator[str]:
        """A table and five orders for each candidate."""
        yield f"of {self.sample}"
        for each in self.candidates:
            yield each.name
            yield _row("", "orders", "null", "0", *(f"{share:.0%}" for share in QUANTILES))
            for name, shape in (
                ("all", each.of_all),
                ("charged back", each.charged_back),
                ("others", each.others),
            ):
                yield _row(name, *_shape(shape))
            for example in each.examples:
                yield from _example(example)


def _shape(shape: Shape) -> list[str]:
    shares = [f"{share:.1%}" for share in (shape.nulls, shape.zeros)]
    return [f"{shape.orders:,}", *shares, *(f"{value:.6g}" for value in shape.quantiles)]


def _row(name: str, *cells: str) -> str:
    return f"  {name:<12}" + "".join(f" {cell:>9}" for cell in cells)


def _example(example: Example) -> Iterator[str]:
    label = "charged back" if example.charged_back else "not charged back"
    yield f"  order {example.order_id}, {label}: {example.value:.6g}"
    for each in example.behind:
        ids = ", ".join(each.order_ids) or "no order"
        others = each.count - len(each.order_ids)
        yield f"    {each.velocity}: {ids}{f' and {others} more' if others else ''}"


@dataclass(frozen=True, slots=True, repr=False)
class Lifted(Readable):
    """What `lift` found, with intervals."""

    figures: LiftFigures

    def lines(self) -> Iterator[str]:
        """Sample, figures without and with each candidate, and what would be a leak."""
        figures = self.figures
        yield f"fitted on {figures.training}"
        yield f"measured on {figures.hold_out}, of {figures.hold_out_days} days"
        yield (
            f"intervals: 95 % of the figures of resampled days; review budget {figures.budget:.1%}"
            " of the orders"
        )
        if figures.caution:
            yield f"caution: {figures.caution}"
        columns = ("average precision", "recall in budget", "R$ in budget")
        yield f"  {'':<24}" + "".join(f" {column:>26}" for column in columns)
        yield _figures(f"{figures.features} other features", figures.without)
        together = [figures.together] if figures.together else []
        for each in (*figures.candidates, *together):
            yield from _lifted(each)


def _lifted(each: LiftedCandidate) -> Iterator[str]:
    yield each.name
    yield _figures("with it", each.figures)
    yield _figures("gain", each.gain, signed=True)
    if each.leak is None:
        yield "  the merchant's own times would give the same values: nothing leaks"
    else:
        yield _figures("gain by own times", each.leak.gain, signed=True)
        yield _figures("of it leaked", each.leak.leaked, signed=True)


def _figures(name: str, figures: Figures, *, signed: bool = False) -> str:
    sign = "+" if signed else ""
    money = Estimate(*(cents / 100 for cents in _numbers(figures.saved_cents)))
    cells: Sequence[str] = (
        _estimate(figures.average_precision, f"{sign}.3f"),
        _estimate(figures.recall, f"{sign}.3f"),
        _estimate(money, f"{sign},.0f"),
    )
    return f"  {name:<24}" + "".join(f" {cell:>26}" for cell in cells)


def _estimate(estimate: Estimate, form: str) -> str:
    value, low, high = (format(number, form) for number in _numbers(estimate))
    return f"{value} ({low} to {high})"


def _numbers(estimate: Estimate) -> tuple[float, float, float]:
    return estimate.value, estimate.low, estimate.high
