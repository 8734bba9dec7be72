"""A part of a shuffle in pieces: ranges of keys, and all rows of an entity in one."""

from __future__ import annotations

from itertools import chain, pairwise

import numpy as np
import pyarrow as pa
import pytest

from features_pkg.shuffle import key_pieces, key_prefixes
from jobs.snapshot.part_files import parts_of_keys

RANDOM = np.random.default_rng(7)


def rows_of(words: list[int] | np.ndarray) -> pa.Table:
    return pa.table({"entity_hi": pa.array(words, pa.int64())})


def key(word: int) -> bytes:
    """The first bytes of the key whose first word this is."""
    return word.to_bytes(8, "little", signed=True)


def test_prefixes_ascend_with_the_keys() -> None:
    words = [0, 1, -1, 256, -(2**63), 2**63 - 1]
    prefixes = key_prefixes(rows_of(words)).tolist()

    assert sorted(words, key=key) == [word for _, word in sorted(zip(prefixes, words, strict=True))]


@pytest.mark.parametrize("parts", [1, 3, 1000])
def test_parts_are_ranges_of_keys_that_are_equally_full(parts: int) -> None:
    prefixes = np.sort(RANDOM.integers(0, 2**64, 100 * parts, np.uint64))
    part = parts_of_keys(prefixes, parts)

    assert (np.diff(part) >= 0).all()
    assert (part.min(), part.max()) == (0, parts - 1)
    assert np.bincount(part).max() < 200
    ends = parts_of_keys(np.array([0, 2**64 - 1], np.uint64), parts)
    assert ends.tolist() == [0, parts - 1]


def test_pieces_are_small_and_come_in_the_order_of_their_keys() -> None:
    words = np.repeat(RANDOM.integers(-(2**63), 2**63, 500), RANDOM.integers(1, 4, 500))
    words = RANDOM.permutation(words)
    pieces = [piece["entity_hi"].to_pylist() for piece in key_pieces(rows_of(words), 100)]

    assert sorted(chain.from_iterable(pieces)) == sorted(words.tolist())
    assert max(map(len, pieces)) < 200
    ends = [(min(map(key, piece)), max(map(key, piece))) for piece in pieces]
    assert all(before[1] < after[0] for before, after in pairwise(ends))


@pytest.mark.parametrize("words", [[], [5], [5] * 300])
def test_one_entity_is_in_one_piece(words: list[int]) -> None:
    pieces = [piece.num_rows for piece in key_pieces(rows_of(words), 100)]

    assert [rows for rows in pieces if rows] == ([len(words)] if words else [])
