"""Lists of whole numbers become the MessagePack that msgspec makes of each."""

import itertools

import msgspec
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from features_pkg.timelines.packing import NumberLists, pack

EDGES = [sign * (1 << bits) + more for bits in range(63) for sign in (1, -1) for more in (-1, 0, 1)]
EDGE_LISTS = [[], [0] * 15, [1] * 16, [300] * 65_535, [7] * 65_536, EDGES, [2**63 - 1, -(2**63)]]
whole_numbers = st.integers(-(2**63), 2**63 - 1) | st.sampled_from(EDGES)


def packed(lists: list[list[int]], room: list[int]) -> list[bytes]:
    """Each list as `pack` makes it."""
    numbers = np.array([number for numbers in lists for number in numbers], dtype=np.int64)
    lengths = np.array([len(numbers) for numbers in lists], dtype=np.int64)
    content, starts = pack(numbers, lengths, np.array(room, dtype=np.int64))
    return [content[start:end].tobytes() for start, end in itertools.pairwise(starts)]


def test_every_width_of_numbers_and_of_lists() -> None:
    assert packed(EDGE_LISTS, [0] * len(EDGE_LISTS)) == list(
        map(msgspec.msgpack.encode, EDGE_LISTS)
    )


@given(st.lists(st.tuples(st.lists(whole_numbers, max_size=40), st.integers(0, 20))))
def test_any_lists_behind_any_room(lists: list[tuple[list[int], int]]) -> None:
    right = [bytes(room) + msgspec.msgpack.encode(numbers) for numbers, room in lists]

    assert packed([numbers for numbers, _ in lists], [room for _, room in lists]) == right


@given(st.lists(st.lists(st.lists(st.integers(0, 9), max_size=3), min_size=4, max_size=4)))
def test_lists_grow_at_their_ends(pieces: list[list[list[int]]]) -> None:
    lists = NumberLists(4)
    for piece in pieces:
        flat = np.array([number for numbers in piece for number in numbers], dtype=np.int64)
        lists.extend(flat, np.array(list(map(len, piece)), dtype=np.int64))
    lists.append(np.array([10, 11, 12, 13]), np.array([True, False, False, True]))
    numbers, lengths = lists.flat()

    right = [[n for piece in pieces for n in piece[owner]] for owner in range(4)]
    right[0].append(10)
    right[3].append(13)
    assert lengths.tolist() == list(map(len, right))
    assert numbers.tolist() == [number for numbers in right for number in numbers]
