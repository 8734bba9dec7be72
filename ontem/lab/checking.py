"""`check`: whether it can be served, what it would cost, and which feature is like it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from features_pkg.array_types import Floats
from features_pkg.definitions.catalogue import served
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.definitions.velocity import Past, Velocity, parse_name
from features_pkg.errors import DefinitionError
from ontem.lab.candidates import Candidate, FunctionCandidate
from ontem.lab.computing import Computing, FewOrders
from ontem.lab.source import ChosenOrders, floats
from ontem.lab.timeline_bytes import TimelineBytes, timeline_bytes
from ontem.lab.values import PastOrders

LEAST_COMMON: Final = 30
"""Orders that must have both values before a correlation is told."""


@dataclass(frozen=True, slots=True)
class RowsRead:
    """How many rows of the recent past a request reads for it; `more` than without it."""

    mean: float
    most: int
    more: bool


@dataclass(frozen=True, slots=True)
class CheckedCandidate:
    """What is known of a candidate before it is trained.

    `not_servable` says why it can't be served, None if it can. `nearest` is the feature of the
    training set that ranks orders most alike, `correlation` Spearman's.
    """

    name: str
    not_servable: str | None
    timeline: TimelineBytes | None
    rows_read: RowsRead | None
    nearest: str | None
    correlation: float | None
    orders: int


def check(computing: Computing) -> tuple[CheckedCandidate, ...]:
    """Check each candidate on some orders of the source."""
    return tuple(_check(computing, each, computing.few) for each in computing.candidates)


def _check(computing: Computing, candidate: Candidate, few: FewOrders) -> CheckedCandidate:
    values = computing.values(candidate, few.orders, few.past)
    names = computing.source.feature_set.names
    known = [names.index(name) for name in computing.others]
    position, correlation = nearest(values, few.matrix[:, known])
    velocities = () if isinstance(candidate, FunctionCandidate) else candidate.velocities
    features = computing.source.feature_set
    return CheckedCandidate(
        name=candidate.name,
        not_servable=why_not_servable(candidate, features, computing.candidates),
        timeline=timeline_bytes(few.past, features, velocities, few.orders) if few.past else None,
        rows_read=_rows_read(few.past, features, velocities, few.orders) if few.past else None,
        nearest=None if position is None else computing.others[position],
        correlation=correlation,
        orders=len(values),
    )


def why_not_servable(
    candidate: Candidate, features: FeatureSet, others: Sequence[Candidate]
) -> str | None:
    """Why requests can't be answered with it beside `features` and `others`; None if they can."""
    if isinstance(candidate, FunctionCandidate):
        return None
    try:
        served(tuple(velocity.name for velocity in candidate.velocities))
    except DefinitionError as refused:
        part = f"it reads {refused.subject}, and " if candidate.derived else ""
        return f"{part}{refused.reason}"
    if candidate.derived:
        present = {*features.names, *(each.name for each in others)}
        for name in candidate.derived[0].operand_names:
            if name not in present:
                return f"it reads {name}, which the catalogue lacks: put that on trial with it"
    return None


def nearest(values: Floats, matrix: Floats) -> tuple[int | None, float | None]:
    """The column that ranks rows most as `values` does, and Spearman's correlation with it.

    Each column is compared over the rows in which both are known, if there are enough of them.
    """
    best: tuple[int | None, float | None] = (None, None)
    ranks: dict[bytes, Floats] = {}  # of the values; few columns are known for other rows
    for column in range(matrix.shape[1]):
        both = ~(np.isnan(values) | np.isnan(matrix[:, column]))
        if both.sum() < LEAST_COMMON:
            continue
        rows = both.tobytes()
        if rows not in ranks:
            ranks[rows] = _centred(values[both])
        found = _correlation(ranks[rows], _centred(matrix[both, column]))
        if found is not None and (best[1] is None or abs(found) > abs(best[1])):
            best = (column, found)
    return best


def _centred(values: Floats) -> Floats:
    """The ranks, less their mean."""
    return ranked(values) - (len(values) - 1) / 2


def _correlation(one: Floats, other: Floats) -> float | None:
    """Of two centred rows; None where one of them is the same everywhere."""
    squares = (one @ one) * (other @ other)
    return float(one @ other / np.sqrt(squares)) if squares else None


def ranked(values: Floats) -> Floats:
    """The rank of each value; equal ones have the mean of their ranks.

    >>> ranked(np.array([5.0, 7.0, 5.0, 9.0])).tolist()
    [0.5, 2.0, 0.5, 3.0]
    """
    _, code, count = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(count)
    return np.asarray((ends - (count + 1) / 2)[code])


def _rows_read(
    past: PastOrders, of_all: FeatureSet, velocities: tuple[Velocity, ...], orders: ChosenOrders
) -> RowsRead | None:
    """The rows of the recent past that its velocities look at; None where they look at none.

    A request reads the longer of 24 hours and the time since the cutoff.
    """
    kinds = {(v.identifier, v.event) for v in velocities if v.past is not Past.DISTANT}
    if not kinds:
        return None
    present = {(v.identifier, v.event) for v in of_all.velocities if v.past is not Past.DISTANT}
    counts = tuple(
        parse_name(f"{identifier}_{event.plural}_{window}_recent")
        for identifier, event in sorted(kinds)
        for window in ("24h", "since_cutoff")
    )
    features = FeatureSet(of_all.timezone, of_all.snapshot_lag, counts)
    table = past.values(features, orders.order_pk)
    matrix = np.nan_to_num(floats(table, [each.name for each in counts]))
    longer = np.maximum(matrix[:, 0::2], matrix[:, 1::2]).sum(axis=1)
    return RowsRead(float(longer.mean()), int(longer.max()), more=not kinds <= present)
