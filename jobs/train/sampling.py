"""A sample of the orders that a model is fitted on: all charged back ones, and some of the others.

Fraud is rare, so an order that was charged back says more than one of the many that were not. All
of the first are kept. Each kept one of the others counts as often as there are others for each kept
one, so that sums over the sample are those of all orders on average.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features_pkg.array_types import Floats, Ints
from features_pkg.models.manifest import Sampling
from jobs.train.errors import SampleTooSmall
from jobs.train.orders import LabelledOrders


@dataclass(frozen=True, slots=True)
class FittedOrders:
    """The orders that a model is fitted on; without `sampling` they are all there are."""

    orders: LabelledOrders
    sampling: Sampling | None = None

    @property
    def weights(self) -> Floats | None:
        """How often each order counts; None where each counts once."""
        if self.sampling is None:
            return None
        return np.where(self.orders.labels, 1.0, self.sampling.weight)


def sample(orders: LabelledOrders, size: int | None, seed: int) -> FittedOrders:
    """At most `size` of the orders: all charged back, and those of the others with the least hash.

    The hash is of `order_pk`, with a key made of the seed: the same orders and seed give the same
    sample, in whatever files they lie. None, and a size that suffices for all, give all orders.

    Raises SampleTooSmall unless there is room for all charged back and one other.
    """
    if size is None or size >= len(orders):
        return FittedOrders(orders)
    charged_back = int(orders.labels.sum())
    others = np.flatnonzero(~orders.labels)
    room = size - charged_back
    if room < 1:
        raise SampleTooSmall(size=size, charged_back=charged_back, orders=len(orders))
    least = np.argpartition(keyed_hash(orders.order_pk[others], seed), room)[:room]
    chosen = orders.labels.copy()
    chosen[others[least]] = True
    sampling = Sampling(
        charged_back=charged_back,
        others=len(others),
        others_kept=room,
        share=room / len(others),
        weight=len(others) / room,
    )
    return FittedOrders(orders.take(chosen), sampling)


def keyed_hash(order_pk: Ints, seed: int) -> NDArray[np.uint64]:
    """A number for each order that nothing but the order and the seed decides.

    Each step can be undone, so no two orders have the same one.
    """
    digest = hashlib.blake2b(f"sample {seed}".encode(), digest_size=16).digest()
    mixed = order_pk.astype(np.uint64)
    for key in np.frombuffer(digest, dtype="<u8"):
        mixed = _mix(mixed ^ key)
    return mixed


def _mix(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The last steps of SplitMix64 (Steele, Lea and Flood, 2014)."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))
