"""`peek`: what the values look like, by label, and which orders are behind five of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from features_pkg.array_types import Floats, Ints, Mask
from ontem.lab.behind import KeysBehind, OrdersBehind, orders_behind
from ontem.lab.candidates import Candidate, FunctionCandidate
from ontem.lab.computing import Computing
from ontem.lab.sampling import SampledOrders, sampled_orders
from ontem.lab.source import ChosenOrders

PEEKED_ORDERS: Final = 20_000
QUANTILES: Final = (0.0, 0.25, 0.5, 0.75, 0.9, 0.99, 1.0)
EXAMPLES: Final = 5


@dataclass(frozen=True, slots=True)
class Shape:
    """The values of some orders: how many there are, which shares are null and 0, quantiles.

    The shares are of all orders that the sample stands for; the quantiles (`QUANTILES`) of the
    values that are known, none without any.
    """

    orders: int
    nulls: float
    zeros: float
    quantiles: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Example:
    """An order with its value, and the orders behind it: for each velocity that it is made of."""

    order_id: str
    charged_back: bool
    value: float
    behind: tuple[OrdersBehind, ...]


@dataclass(frozen=True, slots=True)
class PeekedCandidate:
    """The shape of a candidate's values by label, and five orders from the least value up."""

    name: str
    of_all: Shape
    charged_back: Shape
    others: Shape
    examples: tuple[Example, ...]


@dataclass(frozen=True, slots=True)
class PeekFigures:
    """What `peek` found, on a stated sample."""

    sample: str
    candidates: tuple[PeekedCandidate, ...]


def peek(computing: Computing, seed: int) -> PeekFigures:
    """Look at each candidate. Raises TooFewOrders and what `Computing.values` raises."""
    sampled = sampled_orders(computing.source.labelled(), PEEKED_ORDERS, seed)
    candidates = tuple(_peek(computing, each, sampled) for each in computing.candidates)
    return PeekFigures(sampled.sentence, candidates)


def _peek(computing: Computing, candidate: Candidate, sampled: SampledOrders) -> PeekedCandidate:
    orders, weights = sampled.orders, sampled.weights
    values = computing.values(candidate, ChosenOrders.of(orders))
    examples = tuple(_examples(computing, candidate, sampled, values))
    return PeekedCandidate(
        name=candidate.name,
        of_all=_shape(values, weights, np.ones(len(values), np.bool_)),
        charged_back=_shape(values, weights, orders.labels),
        others=_shape(values, weights, ~orders.labels),
        examples=examples,
    )


def _shape(values: Floats, weights: Floats, chosen: Mask) -> Shape:
    values, weights = values[chosen], weights[chosen]
    known = values[~np.isnan(values)]
    total = weights.sum()
    return Shape(
        orders=len(values),
        nulls=float(weights[np.isnan(values)].sum() / total),
        zeros=float(weights[values == 0].sum() / total),
        quantiles=_quantiles(known, weights[~np.isnan(values)]),
    )


def _quantiles(values: Floats, weights: Floats) -> tuple[float, ...]:
    """The least value up to which each share of the weight is."""
    if not len(values):
        return ()
    by_value = np.argsort(values, kind="stable")
    sums = np.cumsum(weights[by_value])
    position = np.searchsorted(sums, np.multiply(QUANTILES, sums[-1]) * (1 - 1e-12))
    return tuple(values[by_value[position]].tolist())


def example_rows(values: Floats) -> Ints:
    """Rows from the least to the greatest value that is not 0; of all values if all are 0."""
    rows = np.flatnonzero(~np.isnan(values) & (values != 0))
    if not len(rows):
        rows = np.flatnonzero(~np.isnan(values))
    by_value = rows[np.argsort(values[rows], kind="stable")]
    positions = np.linspace(0, len(by_value) - 1, min(EXAMPLES, len(by_value)))
    return by_value[positions.astype(np.int64)]


def _examples(
    computing: Computing, candidate: Candidate, sampled: SampledOrders, values: Floats
) -> Iterator[Example]:
    """A few orders from the least value up."""
    rows = example_rows(values)
    keys = sampled.orders.order_pk[rows]
    behind = _behind(computing, candidate, keys)
    wanted = [keys, *(each.order_pk for of_order in behind for each in of_order)]
    order_ids = computing.source.order_ids(np.concatenate(wanted))
    for row, key, of_order in zip(rows.tolist(), keys.tolist(), behind, strict=True):
        yield Example(
            order_id=order_ids[key],
            charged_back=bool(sampled.orders.labels[row]),
            value=float(values[row]),
            behind=tuple(each.named(order_ids) for each in of_order),
        )


def _behind(computing: Computing, candidate: Candidate, keys: Ints) -> list[tuple[KeysBehind, ...]]:
    """For each order what is behind its value; of what reads no other order nothing."""
    if isinstance(candidate, FunctionCandidate) or not candidate.velocities:
        return [()] * len(keys)
    identifiers = {velocity.identifier for velocity in candidate.velocities}
    past, features = computing.past.near(keys, identifiers), computing.source.feature_set
    return [
        tuple(orders_behind(each, past, features, key) for each in candidate.velocities)
        for key in keys.tolist()
    ]
