"""The orders as a function sees them: columns of what was known when each order came."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from features_pkg.array_types import Floats, Ints
from ontem.lab.candidates import FunctionCandidate
from ontem.lab.errors import ColumnUnknown, LooksAhead, LooksAtOthers, ValuesRefused

Column = NDArray[Any]

KNOWN_LATER: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        ("label", "label_reason", "label_known_at"), "which is what a model is to tell"
    ),
    **dict.fromkeys(
        ("chargeback_at", "chargeback_us", "chargeback", "charged_back", "reversal_us"),
        "which comes after the order",
    ),
    **dict.fromkeys(("recorded_key", "order_pk"), "which is given when the order is stored"),
}
"""Columns that tables of orders have and that no function may read, each with the reason."""

_DIVIDE: Final = "divide a span by what it is counted in, such as np.timedelta64(1, 'h')"
_NO_NUMBERS: Final[Mapping[str, tuple[str, str]]] = {
    "M": ("instants", f"subtract one from another, and {_DIVIDE}"),
    "m": ("spans of time", _DIVIDE),
    "c": ("complex numbers", "return a real one for each order"),
}
"""Kinds of arrays that NumPy would turn into numbers: of an unknown time it makes -9.2e18."""


class OrderView:
    """Columns of some orders, by item or by attribute; row `i` of each is of order `i`."""

    def __init__(
        self,
        candidate: str,
        names: Sequence[str],
        read: Callable[[str], Column],
        later: Mapping[str, str] = KNOWN_LATER,
    ) -> None:
        self._candidate, self._names, self._read, self._later = candidate, names, read, later
        self._columns: dict[str, Column] = {}

    def __getitem__(self, name: str) -> Column:
        """The column of that name. Raises LooksAhead, ColumnUnknown."""
        if name in self._later:
            raise LooksAhead(candidate=self._candidate, column=name, reason=self._later[name])
        if name not in self._names:
            raise ColumnUnknown(candidate=self._candidate, column=name, known=self._names)
        if name not in self._columns:
            self._columns[name] = self._read(name)
        return self._columns[name].copy()

    def __getattr__(self, name: str) -> Column:
        """The same as an item."""
        if name.startswith("__"):  # Python's own questions, such as how to copy it
            raise AttributeError(name)
        return self[name]

    def chosen(self, rows: Ints) -> "OrderView":
        """The same columns of the orders in these rows."""
        return OrderView(self._candidate, self._names, lambda name: self[name][rows], self._later)


def function_values(
    candidate: FunctionCandidate, orders: OrderView, order_names: Callable[[int], str], count: int
) -> Floats:
    """The value of the function for each order, NaN for unknown.

    It is asked again about half of the orders, in another order: the value of an order must not
    depend on the others. Raises LooksAhead, LooksAtOthers, ColumnUnknown, ValuesRefused.
    """
    values = _values(candidate, orders, count)
    half = np.random.default_rng(count).permutation(count)[: max(count // 2, 1)]
    again = _values(candidate, orders.chosen(half), len(half))
    differs = np.flatnonzero(
        ~((again == values[half]) | (np.isnan(again) & np.isnan(values[half])))
    )
    if len(differs):
        row = int(half[differs[0]])
        raise LooksAtOthers(
            candidate=candidate.name,
            order=order_names(row),
            alone=again[differs[0]],
            among=values[row],
        )
    return values


def _values(candidate: FunctionCandidate, orders: OrderView, count: int) -> Floats:
    answer = candidate.function(orders)
    try:
        array = np.asarray(answer)
        if array.dtype.kind in _NO_NUMBERS:
            kinds, remedy = _NO_NUMBERS[array.dtype.kind]
            raise ValuesRefused(candidate=candidate.name, reason=f"gives {kinds}: {remedy}")
        values = np.asarray(answer, dtype=np.float64)
    except (TypeError, ValueError):
        kind = type(answer).__name__
        raise ValuesRefused(
            candidate=candidate.name,
            reason=f"gives a {kind} that is not an array of numbers: return one number for each "
            "order, NaN where it is unknown",
        ) from None
    if values.shape != (count,):
        shape = values.shape
        found = f"{len(values)} values" if values.ndim == 1 else f"an array of shape {shape}"
        raise ValuesRefused(
            candidate=candidate.name,
            reason=f"gives {found} for {count} orders: return one number for each order",
        )
    if np.isinf(values).any():
        raise ValuesRefused(
            candidate=candidate.name,
            reason=f"is infinite for {int(np.isinf(values).sum()):,} of {count:,} orders: return "
            "NaN where it is unknown",
        )
    return values


def refuse_unknown_everywhere(candidate: str, values: Floats) -> None:
    """Raise ValuesRefused for values of which none is known."""
    if np.isnan(values).all():
        raise ValuesRefused(
            candidate=candidate,
            reason=f"is unknown (null) for all {len(values):,} orders: choose what these orders "
            "have, or look at the function",
        )
