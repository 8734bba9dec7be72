"""Columns whose bytes do not fit into 32 bits: here the limit is a few bytes."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features_pkg import chunked


@given(rows=st.lists(st.binary(max_size=9), max_size=12), most=st.integers(1, 20))
def test_bytes_are_the_same_in_chunks_of_any_size(rows: list[bytes], most: int) -> None:
    starts = np.cumsum([0, *map(len, rows)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunked, "MOST_BYTES", most)
        column = chunked.binary_column(np.frombuffer(b"".join(rows), np.uint8), starts)

    assert column.to_pylist() == rows
    assert all(sum(map(len, c.to_pylist())) <= most for c in column.chunks if len(c) > 1)


def test_offsets_beyond_32_bits_do_not_wrap() -> None:
    content = np.zeros(2**31 + 2**20, dtype=np.uint8)  # pages that nobody has written
    starts = np.array([0, 2**30, 2**31 + 16, 2**31 + 20])
    lengths = [len(value) for chunk in chunked.binary_column(content, starts).chunks
               for value in [chunk[i].as_buffer() for i in range(len(chunk))]]  # fmt: skip

    assert [int(n) for n in lengths] == [2**30, 2**30 + 16, 4]


def test_lists_of_several_chunks_are_read_as_one() -> None:
    chunks = [[[1, 2], None], [[]], [[3]]]
    column = pa.chunked_array([pa.array(c, pa.list_(pa.int64())) for c in chunks])

    lengths, items = chunked.list_column(column.slice(1))

    assert (lengths.tolist(), items.tolist()) == ([0, 0, 1], [3])
