"""The models of a lift: the same trees on the same orders, with other columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

import numpy as np

from features_pkg.array_types import Floats
from jobs.train.orders import LabelledOrders
from ontem.lab.computing import Computing
from ontem.lab.intervals import ResampledDays
from ontem.lab.sampling import SampledOrders, sampled_orders
from ontem.lab.source import ChosenOrders

AMOUNT: Final = "amount_cents"


class Times(Enum):
    """By which times a candidate is computed."""

    KNOWN = "when we knew of it"
    OWN = "when the merchant says it was"


@dataclass(frozen=True, slots=True)
class Part:
    """The training part or the hold-out: a sample, and all columns of its models.

    By the merchant's own times it has only the candidates that read times of other orders.
    """

    sampled: SampledOrders
    names: tuple[str, ...]
    others: Floats
    cents: Floats
    values: Mapping[Times, Mapping[str, Floats]]

    def matrix(self, candidates: Sequence[str], times: Times) -> Floats:
        """The features that the orders have, and these candidates; a new one each time."""
        known, chosen = self.values[Times.KNOWN], self.values[times]
        columns = [chosen.get(name, known[name]) for name in candidates]
        return np.column_stack([self.others, *columns])


def part_of(computing: Computing, orders: LabelledOrders, size: int, seed: int) -> Part:
    """A part, sampled. Raises TooFewOrders and what `Computing.values` raises."""
    sampled = sampled_orders(orders, size, seed)
    chosen = ChosenOrders.of(sampled.orders)
    values = {each.name: computing.values(each, chosen) for each in computing.candidates}
    own = {
        each.name: found
        for each in computing.candidates
        if (found := computing.values_by_own_times(each, chosen)) is not None
    }
    names = computing.others
    matrix = computing.source.existing(chosen.rows, (*names, AMOUNT))
    others, cents = matrix[:, :-1], matrix[:, -1]
    return Part(sampled, names, others, cents, {Times.KNOWN: values, Times.OWN: own})


class Models:
    """Fits models on the training part, and measures each on the hold-out."""

    def __init__(self, training: Part, hold_out: Part, budget: float, seed: int) -> None:
        self._training, self._hold_out, self._seed = training, hold_out, seed
        orders = hold_out.sampled.orders
        self.resampled = ResampledDays(
            orders.labels, hold_out.cents, hold_out.sampled.weights, orders.days, budget, seed
        )

    def measure(self, model: str, candidates: Sequence[str], times: Times) -> None:
        """Fit a model with these candidates, and measure it under that name."""
        from jobs.train.pipeline import fit, scores_of  # scikit-learn takes a second to import

        training = self._training
        pipeline = fit(
            training.matrix(candidates, times),
            training.sampled.orders.labels,
            (*training.names, *candidates),
            self._seed,
            training.sampled.weights,
        )
        scores = scores_of(pipeline, self._hold_out.matrix(candidates, times))
        self.resampled.add(model, scores)

    def differ_by_own_times(self, candidates: Sequence[str]) -> bool:
        """Whether the merchant's own times give one of them another value for some order."""
        return any(
            not np.array_equal(own, part.values[Times.KNOWN][name], equal_nan=True)
            for part in (self._training, self._hold_out)
            for name, own in part.values[Times.OWN].items()
            if name in candidates
        )
