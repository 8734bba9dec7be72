"""The values of candidates for chosen orders, in truth and by the merchant's own times."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Final

from features_pkg.array_types import Floats
from features_pkg.identifiers import Identifier
from ontem.lab.candidates import Candidate, FunctionCandidate, NamedCandidate
from ontem.lab.order_view import Column, OrderView, function_values, refuse_unknown_everywhere
from ontem.lab.source import ChosenOrders, Source, floats
from ontem.lab.values import PastOrders

ASKED_AT: Final = "asked_at"
FEW_ORDERS: Final = 2_000


@dataclass(frozen=True, slots=True)
class FewOrders:
    """Some orders, the features that they have, and all orders that are near them.

    `past` is None where no candidate looks at other orders.
    """

    orders: ChosenOrders
    matrix: Floats
    past: PastOrders | None


class Computing:
    """Computes the candidates of one trial, whose identifiers are read together and once."""

    def __init__(self, source: Source, candidates: Sequence[Candidate]) -> None:
        self.source, self.candidates = source, candidates
        named = [each for each in candidates if isinstance(each, NamedCandidate)]
        self.velocities = tuple(velocity for each in named for velocity in each.velocities)
        self.identifiers: frozenset[Identifier] = frozenset().union(
            *(each.identifiers for each in named)
        )

    @property
    def others(self) -> tuple[str, ...]:
        """The features that the orders have already, without those on trial."""
        names = {candidate.name for candidate in self.candidates}
        return tuple(name for name in self.source.feature_set.names if name not in names)

    @property
    def past(self) -> PastOrders:
        """All orders, with the entities that the candidates look at."""
        return self.source.past(self.identifiers)

    @cached_property
    def few(self) -> FewOrders:
        """The orders that a check looks at; all others are read at the same time."""
        looked_at = {velocity.identifier for velocity in self.velocities}
        if not looked_at:
            return FewOrders(*self.source.some(FEW_ORDERS), None)
        with ThreadPoolExecutor(max_workers=1) as beside:
            past = beside.submit(lambda: self.past)
            orders, matrix = self.source.some(FEW_ORDERS)
            return FewOrders(orders, matrix, past.result().near(orders.order_pk, looked_at))

    def values(
        self, candidate: Candidate, orders: ChosenOrders, past: PastOrders | None = None
    ) -> Floats:
        """The candidate for each of the orders, NaN for null; raises what refuses a function.

        A named one is what a training set would have, computed from `past` if that has all that is
        near these orders. Raises ValuesRefused if all are null.
        """
        if isinstance(candidate, FunctionCandidate):
            values = self._of_function(candidate, orders)
        elif not candidate.velocities:  # a feature of the order, which the source has
            values = self.source.existing(orders.rows, (candidate.name,))[:, 0]
        else:
            values = self._of_past(candidate, orders, past or self.past)
        refuse_unknown_everywhere(candidate.name, values)
        return values

    def values_by_own_times(self, candidate: Candidate, orders: ChosenOrders) -> Floats | None:
        """The same by the merchant's own times; None where no time of another order is read."""
        if isinstance(candidate, FunctionCandidate) or not candidate.velocities:
            return None
        past = self.source.past_by_own_times(self.identifiers)
        return self._of_past(candidate, orders, past)

    def _of_past(self, candidate: NamedCandidate, orders: ChosenOrders, past: PastOrders) -> Floats:
        features = candidate.feature_set(self.source.feature_set)
        return floats(past.values(features, orders.order_pk), [candidate.name])[:, 0]

    def _of_function(self, candidate: FunctionCandidate, orders: ChosenOrders) -> Floats:
        names = (ASKED_AT, *self.source.columns, *self.others)
        read = partial(self._column, orders)
        view = OrderView(candidate.name, names, read, self.source.later)
        return function_values(
            candidate, view, lambda row: str(orders.order_pk[row]), len(orders.order_pk)
        )

    def _column(self, orders: ChosenOrders, name: str) -> Column:
        if name == ASKED_AT:
            return orders.asked_us.astype("datetime64[us]")
        if name in self.source.columns:
            return self.source.column(name, orders.rows)
        return self.source.existing(orders.rows, (name,))[:, 0]
