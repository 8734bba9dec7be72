"""Columns as codes: what is done for a value is done once for each different one."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features_pkg.array_types import Ints


def coded(column: pa.Array) -> tuple[pa.Array, Ints]:
    """The different values of a column as they first come, null among them; which each row has."""
    encoded = pc.dictionary_encode(column, null_encoding="encode")
    return encoded.dictionary, encoded.indices.to_numpy().astype(np.int64)


def coded_pairs(first: Ints, second: Ints) -> tuple[Ints, Ints, Ints]:
    """The different pairs of two columns of such codes, and which of them each row has."""
    count = int(second.max(initial=-1)) + 1
    if not first.any():  # as in the orders of a single merchant
        return np.zeros(count, np.int64), np.arange(count), second
    pairs, pair = coded(pa.array(first * count + second))
    return *np.divmod(pairs.to_numpy(), count), pair
