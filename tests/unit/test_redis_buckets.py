"""The values of the online store: what a write keeps, and what a read refuses."""

from collections.abc import Iterable, Mapping

import pytest

from stores.redis.buckets import ValueUnreadable, read_timeline
from stores.redis.keys import GROUPS, TAGS, Namespace, bucket_of, group_of
from stores.redis.load_list import MOST_LISTED, Load, LoadList
from stores.redis.new_buckets import mended_bucket, new_bucket, next_bucket
from stores.redis.new_versions import NewVersions

KEY = b"o:0123456789ab:0123456789ab:{1}4:2"
NAME, OTHER, STRANGER = b"entity_1", b"entity_2", b"stranger"


def a_list(*load_ids: int, floor: int = 0) -> LoadList:
    return LoadList(floor, tuple(Load(n, n, n * 86_400_000_000, 1, "sum", 4) for n in load_ids))


def written(
    loads: Iterable[tuple[int, bytes]],
    *,
    listed: set[int],
    others: Mapping[bytes, bytes] | None = None,
) -> bytes:
    """A bucket after these loads of NAME; those that are not listed were killed."""
    content = new_bucket(KEY, 0, others or {})
    for load_id, timeline in loads:
        load_list = a_list(*sorted(listed & set(range(load_id))))
        content, _ = next_bucket(content, KEY, {NAME: timeline}, NewVersions(load_id, load_list))
    return content


def read(
    content: bytes | None, load_id: int, load_list: LoadList, name: bytes = NAME
) -> bytes | None:
    return read_timeline(content, KEY, name, load_id, load_list)


def test_a_load_reads_its_own_version_or_the_newest_before_it() -> None:
    content = written([(1, b"one"), (3, b"three")], listed={1, 2, 3})

    assert [read(content, n, a_list(1, 2, 3)) for n in (1, 2, 3)] == [b"one", b"one", b"three"]


def test_an_entity_before_its_first_version_was_never_seen() -> None:
    content = written([(2, b"two")], listed={1, 2})

    assert read(content, 1, a_list(1, 2)) is None
    assert read(content, 2, a_list(1, 2), STRANGER) is None


def test_a_bucket_that_is_not_there_is_missing() -> None:
    with pytest.raises(ValueUnreadable, match="not there"):
        read(None, 1, a_list(1))


def test_a_version_that_was_dropped_is_missing_and_not_never_seen() -> None:
    every = range(1, MOST_LISTED + 2)
    content = written([(n, b"%d" % n) for n in every], listed=set(every))

    assert read(content, 2, a_list(*every)) == b"2"
    with pytest.raises(ValueUnreadable, match="load 1 needs was dropped"):
        read(content, 1, a_list(*every))


def test_versions_that_no_listed_load_reads_go_when_their_bucket_is_written() -> None:
    content = written([(1, b"one"), (2, b"two")], listed={1, 2})

    content, entities = next_bucket(
        content, KEY, {OTHER: b"new"}, NewVersions(9, a_list(6, 7, 8, floor=6))
    )

    assert entities == 1
    assert read(content, 6, a_list(6, 7, 8, 9, floor=6)) == b"two"
    with pytest.raises(ValueUnreadable):
        read(content, 1, a_list(1, 2, 9))


def test_a_bucket_in_which_nothing_is_new_keeps_its_bytes() -> None:
    content = written([(1, b"one")], listed={1})

    assert next_bucket(content, KEY, {NAME: b"one"}, NewVersions(2, a_list(1))) == (content, 0)
    assert next_bucket(content, KEY, {}, NewVersions(2, a_list(1))) == (content, 0)


def test_a_load_that_runs_again_writes_the_same_bytes() -> None:
    content = written([(1, b"one"), (2, b"two")], listed={1})

    assert next_bucket(content, KEY, {NAME: b"two"}, NewVersions(2, a_list(1))) == (content, 0)


@pytest.mark.parametrize("timeline", [b"one", b"three"], ids=["nothing new", "something new"])
def test_what_an_unlisted_load_left_is_dropped_at_the_next_write(timeline: bytes) -> None:
    clean = written([(1, b"one")], listed={1})
    left = written([(1, b"one"), (2, b"failed")], listed={1})

    expected, _ = next_bucket(clean, KEY, {NAME: timeline}, NewVersions(3, a_list(1)))

    assert next_bucket(left, KEY, {NAME: timeline}, NewVersions(3, a_list(1)))[0] == expected


def test_an_entity_that_only_an_unlisted_load_had_is_gone_after_the_next() -> None:
    left = written([(2, b"failed")], listed=set())

    content, entities = next_bucket(left, KEY, {OTHER: b"new"}, NewVersions(3, a_list()))

    assert entities == 1
    assert read(content, 3, a_list(3)) is None
    assert content == new_bucket(KEY, 3, {OTHER: b"new"})


def test_below_the_floor_every_version_is_visible() -> None:
    content = written([(1, b"one")], listed={1})

    assert read(content, 8, a_list(8)) is None
    assert read(content, 8, a_list(8, floor=8)) == b"one"


def test_what_was_mended_is_missing_to_the_loads_before_it() -> None:
    content = mended_bucket(KEY, 4, {NAME: b"four"})
    load_list = a_list(3, 4)

    assert (read(content, 4, load_list), read(content, 4, load_list, STRANGER)) == (b"four", None)
    for name in (NAME, STRANGER):
        with pytest.raises(ValueUnreadable):
            read(content, 3, load_list, name)
    later, _ = next_bucket(content, KEY, {NAME: b"five", OTHER: b"new"}, NewVersions(5, load_list))
    assert read(later, 4, a_list(3, 4, 5)) == b"four"
    with pytest.raises(ValueUnreadable):
        read(later, 3, a_list(3, 4, 5), OTHER)


def test_no_flipped_bit_is_read() -> None:
    others = {b"%08d" % n: b"timeline %d" % n for n in range(5)}
    content = written([(1, b"one"), (2, b"two")], listed={1, 2}, others=others)

    for bit in range(8 * len(content)):
        damaged = bytearray(content)
        damaged[bit // 8] ^= 1 << bit % 8
        for name in (NAME, STRANGER):
            with pytest.raises(ValueUnreadable):
                read(bytes(damaged), 2, a_list(1, 2), name)
        with pytest.raises(ValueUnreadable):
            next_bucket(bytes(damaged), KEY, {}, NewVersions(3, a_list(1, 2)))


@pytest.mark.parametrize("content", [b"", b"\xc1", b"text", b"\0\0\0\0\x90", bytes(4)])
def test_bytes_of_somebody_else_are_refused(content: bytes) -> None:
    with pytest.raises(ValueUnreadable):
        read(content, 1, a_list(1))


def test_the_bytes_of_another_bucket_are_refused() -> None:
    content = new_bucket(KEY, 1, {NAME: b"one"})

    with pytest.raises(ValueUnreadable, match="checksum"):
        read_timeline(content, KEY + b"0", NAME, 1, a_list(1))


def test_a_name_across_two_names_is_nobody_s() -> None:
    content = new_bucket(KEY, 1, {b"aaaabbbb": b"1", b"ccccdddd": b"2", b"bbbbcccc": b"3"})
    two = new_bucket(KEY, 1, {b"aaaabbbb": b"1", b"ccccdddd": b"2"})

    assert read(content, 1, a_list(1), b"bbbbcccc") == b"3"
    assert read(two, 1, a_list(1), b"bbbbcccc") is None


@pytest.mark.parametrize("length", [0, 1, 255, 256, 65_534])
def test_timelines_of_any_length_come_back_beside_others(length: int) -> None:
    long = b"x" * length
    content = written([(1, long), (2, b"short"), (3, long + b"y")], listed={1, 2, 3})

    assert [read(content, n, a_list(1, 2, 3)) for n in (1, 2, 3)] == [long, b"short", long + b"y"]


def test_buckets_follow_the_order_of_keys_and_share_them_evenly() -> None:
    keys = [n.to_bytes(4) + bytes(20) for n in range(0, 2**32, 2**32 // 9_600)]
    places = [(group_of(key), bucket_of(key, 3)) for key in keys]

    assert places == sorted(places)
    counts = [places.count((group, number)) for group in range(GROUPS) for number in range(3)]
    assert min(counts) >= 49
    assert max(counts) <= 51


def test_every_group_has_a_tag_in_its_own_part_of_a_cluster_s_slots() -> None:
    # Slots as CLUSTER KEYSLOT gives them: CRC16 (XMODEM) of the tag, modulo 16,384.
    assert len(set(TAGS)) == GROUPS
    slots = [_slot(tag.encode()) for tag in TAGS]
    assert [slot * GROUPS // 16_384 for slot in slots] == list(range(GROUPS))


def _slot(tag: bytes) -> int:
    crc = 0
    for byte in tag:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ (0x1021 if crc & 0x8000 else 0)) & 0xFFFF
    return crc % 16_384


def test_keys_of_a_group_share_its_tag() -> None:
    namespace = Namespace("0123456789ab", "ba9876543210")

    keys = [namespace.list_key(7), namespace.fence_key(7), namespace.bucket_key(20, 7, 13)]
    assert keys == [
        f"o:0123456789ab:ba9876543210:{{{TAGS[7]}}}{end}".encode()
        for end in ("loads", "fence", "14:d")
    ]
