"""All features of a few orders of a hold-out, which are kept while it is scored."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from features_pkg.array_types import Floats, Ints
from jobs.train.orders import LabelledOrders
from jobs.train.sampling import keyed_hash

SAMPLED: Final = 2_000
"""Orders of each outcome, at most: their quantiles are the bounds of bins."""


@dataclass(frozen=True, slots=True)
class SampledRows:
    """All features of some orders of a hold-out, as many of each outcome if there are as many.

    They are those with the least keyed hash, in the order of it; `positions` are theirs among the
    orders of the hold-out.
    """

    positions: Ints
    values: Floats

    @classmethod
    def of(cls, hold_out: LabelledOrders, features: int, seed: int) -> "SampledRows":
        """Rows without values yet."""
        hashes = keyed_hash(hold_out.order_pk, seed)
        chosen = [
            of_outcome[np.argsort(hashes[of_outcome])[:SAMPLED]]
            for of_outcome in (np.flatnonzero(~hold_out.labels), np.flatnonzero(hold_out.labels))
        ]
        positions = np.concatenate(chosen)
        return cls(positions, np.full((len(positions), features), np.nan))

    def filled_by(self, batches: Iterator[tuple[Ints, Floats]]) -> Iterator[tuple[Ints, Floats]]:
        """The same batches; what the chosen orders have in them is kept."""
        by_position = np.argsort(self.positions)
        ascending = self.positions[by_position]
        for positions, values in batches:
            found = np.minimum(np.searchsorted(ascending, positions), len(ascending) - 1)
            is_chosen = ascending[found] == positions
            self.values[by_position[found[is_chosen]]] = values[is_chosen]
            yield positions, values
