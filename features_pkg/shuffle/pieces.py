"""A part of a shuffle in pieces, so that its memory does not grow with its rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

PIECE_ROWS: Final = 2**18
"""How many rows a piece has, if keys fall evenly: those of some 50,000 to 100,000 orders."""

Prefixes = NDArray[np.uint64]


def key_prefixes(rows: pa.Table) -> Prefixes:
    """The first 8 bytes of each entity's key, as a number that ascends with the keys."""
    words = rows["entity_hi"].to_numpy().astype("<i8")
    return np.asarray(words.view(">u8").astype(np.uint64))


def key_pieces(rows: pa.Table, piece_rows: int = PIECE_ROWS) -> Iterator[pa.Table]:
    """`rows`, which have `entity_hi`, in ranges of keys that ascend; all rows of an entity in one.

    A key is a hash, so ranges of equal width have as many entities each.
    """
    count = -(-rows.num_rows // piece_rows)
    if count <= 1:
        yield rows
        return
    prefixes = key_prefixes(rows)
    lowest = prefixes.min()
    width = (prefixes.max() - lowest) // np.uint64(count) + np.uint64(1)
    piece = (prefixes - lowest) // width
    for number in range(count):
        yield rows.filter(pa.array(piece == number))
