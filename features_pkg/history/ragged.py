"""Lists of different lengths as flat arrays."""

import numpy as np

from features_pkg.array_types import Ints


def expand(start: Ints, count: Ints) -> tuple[Ints, Ints]:
    """Every index of the slices `[start[i], start[i] + count[i])`, and the `i` it belongs to.

    One flat pass instead of a loop over slices: `np.repeat` gives each slice as many places as it
    has indices, with its start less the place where it begins, and a running number is added.

    >>> owner, index = expand(np.array([5, 0]), np.array([2, 3]))
    >>> owner.tolist(), index.tolist()
    ([0, 0, 1, 1, 1], [5, 6, 0, 1, 2])
    """
    owner = np.repeat(np.arange(len(start)), count)
    began = np.cumsum(count) - count
    return owner, np.repeat(start - began, count) + np.arange(len(owner))
