"""Arrow columns of any size. Arrow counts the bytes or items of a chunk in 32 bits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features_pkg.array_types import Ints

MOST_BYTES: Final = 2**30
"""How many bytes a chunk of a column has at most, unless one row alone has more."""


def binary_column(content: NDArray[Any], starts: Ints) -> pa.ChunkedArray:
    """Row `i` is the bytes of `content` from `starts[i]` up to `starts[i + 1]`."""
    data = pa.py_buffer(np.ascontiguousarray(content))
    chunks = []
    for first, end in _rows_of_chunks(starts):
        offsets = (starts[first : end + 1] - starts[first]).astype(np.int32)
        used = data.slice(int(starts[first]), int(starts[end] - starts[first]))
        buffers = [None, pa.py_buffer(offsets), used]
        chunks.append(pa.Array.from_buffers(pa.binary(), end - first, buffers))
    return pa.chunked_array(chunks, pa.binary())


def _rows_of_chunks(starts: Ints) -> Iterator[tuple[int, int]]:
    """The first row of each chunk and the one after its last."""
    first, rows = 0, len(starts) - 1
    while first < rows:
        end = int(np.searchsorted(starts, starts[first] + MOST_BYTES, side="right")) - 1
        end = min(max(end, first + 1), rows)
        yield first, end
        first = end


def list_column(column: pa.ChunkedArray) -> tuple[Ints, NDArray[Any]]:
    """How many items the list of each row has (0 where it is null), and all items."""
    lengths = [np.zeros(0, dtype=np.int64)]
    items = [np.zeros(0, dtype=column.type.value_type.to_pandas_dtype())]
    for chunk in column.chunks:
        lengths.append(pc.fill_null(pc.list_value_length(chunk), 0).to_numpy().astype(np.int64))
        items.append(pc.list_flatten(chunk).to_numpy())
    return np.concatenate(lengths), np.concatenate(items)
