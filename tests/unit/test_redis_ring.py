"""Rows of entities in the places of the ring: each in its bucket, whatever the range."""

import random

import pyarrow as pa
import pytest

from stores.redis.keys import GROUPS, bucket_of, group_of, name_of
from stores.redis.ring import RingRows, first_key, key_matrix, place_ranges

CHOICE = random.Random(7)  # noqa: S311  no secret
KEYS = sorted(CHOICE.randbytes(24) for _ in range(3_000))
ROWS = {key: b"timeline %d" % number for number, key in enumerate(KEYS)}


def place_of(key: bytes, buckets: int) -> int:
    return group_of(key) * buckets + bucket_of(key, buckets)


@pytest.mark.parametrize("buckets", [1, 3, 7, 1_000])
def test_each_entity_is_in_its_bucket_under_its_name(buckets: int) -> None:
    rows = RingRows(
        0, GROUPS * buckets, pa.array(KEYS, pa.binary()), pa.array(ROWS.values(), pa.binary())
    )

    contents = rows.contents(buckets)

    assert len(contents) == GROUPS * buckets
    assert sum(map(len, contents)) == len(KEYS)
    for key, timeline in ROWS.items():
        assert contents[place_of(key, buckets)][name_of(key)] == timeline
    assert all(list(names) == sorted(names) for names in contents)


@pytest.mark.parametrize("buckets", [1, 5])
def test_a_range_of_places_is_a_range_of_keys(buckets: int) -> None:
    for first, end in place_ranges(buckets, 7):
        lower, upper = first_key(first, buckets), first_key(end, buckets)
        keys = [key for key in KEYS if key >= lower and (not upper or key < upper)]

        assert {place_of(key, buckets) in range(first, end) for key in keys} == {True}
        assert len(keys) == sum(place_of(key, buckets) in range(first, end) for key in KEYS)


def test_part_of_a_longer_column_is_divided_as_such() -> None:
    keys = pa.array(KEYS, pa.binary())[1_000:1_002]

    assert [bytes(row) for row in key_matrix(keys)] == KEYS[1_000:1_002]
    assert key_matrix(keys[:0]).shape == (0, 24)


def test_keys_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match="2 keys have 47 bytes"):
        key_matrix(pa.array([bytes(24), bytes(23)], pa.binary()))
