"""The values of the online store: what a write keeps, and what a read refuses."""

from __future__ import annotations

import pytest

from stores.redis.values import (
    MOST_VERSIONS,
    Load,
    VersionUnreadable,
    append_version,
    decode_list,
    encode_list,
    load_for_day,
    read_version,
)

KEY = bytes(range(24))
OTHER = KEY[:16] + bytes(8)
"""A key with the same name and another check: another entity's value under this one's key."""


def written(*loads: tuple[int, bytes], listed: set[int]) -> bytes:
    value: bytes | None = None
    for load_id, timeline in loads:
        value = (
            append_version(value, KEY, load_id, timeline, frozenset(listed - {load_id})) or value
        )
    assert value is not None
    return value


def a_load(load_id: int, as_of: int) -> Load:
    return Load(load_id, as_of, as_of * 86_400_000_000, 1, "checksum", "revision")


def test_a_load_reads_its_own_version_or_the_newest_before_it() -> None:
    value = written((1, b"one"), (3, b"three"), listed={1, 2, 3})

    read_at = [read_version(value, KEY, load_id, frozenset({1, 2, 3})) for load_id in (1, 2, 3)]

    assert read_at == [b"one", b"one", b"three"]


def test_an_entity_before_its_first_version_was_never_seen() -> None:
    value = written((2, b"two"), listed={1, 2})

    assert read_version(value, KEY, 1, frozenset({1, 2})) is None
    assert read_version(None, KEY, 1, frozenset({1, 2})) is None


def test_a_version_that_was_dropped_is_missing_and_not_never_seen() -> None:
    every = range(1, MOST_VERSIONS + 2)
    value = written(*((n, b"%d" % n) for n in every), listed=set(every))

    assert read_version(value, KEY, 2, frozenset(every)) == b"2"
    with pytest.raises(VersionUnreadable, match="load 1 needs was dropped"):
        read_version(value, KEY, 1, frozenset(every))


def test_the_same_content_is_not_written_again() -> None:
    value = written((1, b"one"), listed={1})

    assert append_version(value, KEY, 2, b"one", frozenset({1})) is None


def test_a_load_that_runs_again_writes_the_same_bytes() -> None:
    value = written((1, b"one"), (2, b"two"), listed={1})

    assert append_version(value, KEY, 2, b"two", frozenset({1})) is None


@pytest.mark.parametrize("timeline", [b"one", b"three"], ids=["nothing new", "something new"])
def test_what_an_unlisted_load_left_is_dropped_at_the_next_write(timeline: bytes) -> None:
    clean = written((1, b"one"), listed={1})
    left = written((1, b"one"), (2, b"failed"), listed={1})

    expected = append_version(clean, KEY, 3, timeline, frozenset({1})) or clean

    assert append_version(left, KEY, 3, timeline, frozenset({1})) == expected


@pytest.mark.parametrize(
    "value",
    [b"", b"\xc1", b"text", b"\x80", b"\x93\xc4\x00\xc2\x01", written((1, b"x"), listed=set())],
    ids=["empty", "damaged", "text", "a map", "half a version", "another entity's"],
)
def test_a_value_that_is_not_the_entity_s_own_is_refused(value: bytes) -> None:
    with pytest.raises(VersionUnreadable):
        read_version(value, OTHER, 1, frozenset({1}))
    with pytest.raises(VersionUnreadable):
        append_version(value, OTHER, 2, b"two", frozenset({1}))


def test_the_list_comes_back_as_it_was() -> None:
    loads = (a_load(1, 10), a_load(2, 11))

    assert decode_list(encode_list(loads)) == loads


@pytest.mark.parametrize("content", [b"", b"\xc1", b"\x91\x01", encode_list([a_load(1, 1)])[:-1]])
def test_a_list_that_is_damaged_is_refused(content: bytes) -> None:
    with pytest.raises(VersionUnreadable, match="list of loads"):
        decode_list(content)


@pytest.mark.parametrize(
    ("due_day", "load_id"), [(9, None), (10, 1), (11, 1), (12, 1), (13, None), (14, 4), (20, 4)]
)
def test_the_newest_load_serves_that_is_not_newer_than_the_day_nor_too_stale(
    due_day: int, load_id: int | None
) -> None:
    loads = [a_load(1, 10), a_load(4, 14), a_load(6, 30)]
    max_stale = 2 if due_day < 20 else 6

    found = load_for_day(loads, due_day, max_stale)

    assert (found.load_id if found else None) == load_id
