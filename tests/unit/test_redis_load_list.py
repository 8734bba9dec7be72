"""The list of loads: what it says, what its copies agree on, and which load a day uses."""

import pytest

from stores.redis.load_list import (
    ListUnreadable,
    Load,
    LoadList,
    agreed_list,
    decode_list,
    encode_list,
    load_for_day,
)
from stores.redis.publish import FILL, GROUPS, MOST_FILL, choose_buckets

PREFIX = "o:0123456789ab:0123456789ab:"


def a_load(load_id: int, as_of: int | None = None, *, buckets: int = 4) -> Load:
    day = load_id if as_of is None else as_of
    return Load(load_id, day, day * 86_400_000_000, 1, "checksum", buckets)


def a_list(*load_ids: int, floor: int = 0) -> LoadList:
    return LoadList(floor, tuple(a_load(load_id) for load_id in load_ids))


def test_the_list_comes_back_as_it_was() -> None:
    load_list = LoadList(1, (a_load(1, 10), a_load(2, 11)), (3, 5))

    assert decode_list(encode_list(load_list, PREFIX), PREFIX) == load_list


def test_the_newest_stay_listed_and_the_floor_stands_for_the_rest() -> None:
    load_list = LoadList()
    for load_id in (2, 3, 5, 8):
        load_list = load_list.with_load(a_load(load_id))

    assert load_list == a_list(3, 5, 8, floor=3)
    assert [load_list.is_visible(n) for n in (1, 2, 3, 4, 5, 7, 8, 9)] == [
        True, True, True, False, True, False, True, False,
    ]  # fmt: skip


def test_withdrawing_never_lowers_the_floor() -> None:
    assert a_list(3, 5, 8, floor=3).without_newest() == a_list(3, 5, floor=3)
    assert a_list(3, floor=3).without_newest().floor == 3


def test_buckets_that_no_listed_load_reads_are_unused() -> None:
    load_list = LoadList(1, (a_load(1, buckets=2), a_load(2, buckets=2)))

    after = load_list.with_unused(7).with_load(a_load(3, buckets=7))
    assert after.unused == ()
    after = after.with_load(a_load(4, buckets=7)).with_load(a_load(5, buckets=7))
    assert after.unused == (2,)
    assert after.without_unused().unused == ()
    assert load_list.with_load(a_load(3, buckets=7)).without_newest().unused == (7,)


def test_copies_agree_on_what_all_of_them_list() -> None:
    before, after = a_list(3, 4, 5, floor=3), a_list(4, 5, 6, floor=4)

    agreed = agreed_list([before, after, after])
    assert agreed == a_list(4, 5, floor=4)
    assert agreed.is_visible(3)
    assert agreed_list([after, after]) == after


def test_no_flipped_bit_of_a_list_is_read() -> None:
    content = encode_list(a_list(1, 2, floor=1), PREFIX)

    for bit in range(8 * len(content)):
        damaged = bytearray(content)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(ListUnreadable):
            decode_list(bytes(damaged), PREFIX)


@pytest.mark.parametrize("content", [b"", b"\xc1", b"\0\0\0\0\x91\x01", bytes(4)])
def test_bytes_of_somebody_else_are_no_list(content: bytes) -> None:
    with pytest.raises(ListUnreadable):
        decode_list(content, PREFIX)


def test_the_list_of_another_namespace_is_refused() -> None:
    with pytest.raises(ListUnreadable):
        decode_list(encode_list(a_list(1), PREFIX), "o:0123456789ab:ffffffffffff:")


@pytest.mark.parametrize(
    ("due_day", "load_id"), [(9, None), (10, 1), (11, 1), (12, 1), (13, None), (14, 4), (20, 4)]
)
def test_the_newest_load_serves_that_is_not_newer_than_the_day_nor_too_stale(
    due_day: int, load_id: int | None
) -> None:
    loads = [a_load(1, 10), a_load(4, 14), a_load(6, 30)]
    max_stale_days = 2 if due_day < 20 else 6

    found = load_for_day(loads, due_day, max_stale_days)

    assert (found.load_id if found else None) == load_id


def test_the_number_of_buckets_is_chosen_once_and_again_when_they_are_too_full() -> None:
    assert choose_buckets(1, LoadList()) == 1
    assert choose_buckets(GROUPS * FILL * 10 + 1, LoadList()) == 11
    listed = a_list(1)
    assert choose_buckets(GROUPS * 4 * MOST_FILL, listed) == 4
    assert choose_buckets(GROUPS * 4 * MOST_FILL + 1, listed) == 4 * MOST_FILL // FILL + 1
    assert choose_buckets(1, listed) == 4
