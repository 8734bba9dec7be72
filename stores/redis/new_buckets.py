"""The buckets of a load: the first of their kind, or those before it with its versions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from stores.redis.buckets import (
    ENTRY_HEAD,
    ID_BYTES,
    NO_ENTRY,
    ValueUnreadable,
    is_unfinished,
    pack,
    position_of,
    split_names,
    unpack,
)
from stores.redis.new_entries import next_entry
from stores.redis.new_versions import NewVersions


def new_bucket(bucket_key: bytes, load_id: int, timelines: Mapping[bytes, bytes]) -> bytes:
    """A bucket that no listed load reads yet, with the timelines of the first one."""
    return _first(bucket_key, 0, load_id, timelines)


def mended_bucket(bucket_key: bytes, load_id: int, timelines: Mapping[bytes, bytes]) -> bytes:
    """The bucket in place of one that is damaged or not there: earlier loads find it missing."""
    return _first(bucket_key, load_id, load_id, timelines)


def next_bucket(
    content: bytes, bucket_key: bytes, timelines: Mapping[bytes, bytes], load: NewVersions
) -> tuple[bytes, int]:
    """The bucket with the timelines of a load, by name, and how many of them are new in it.

    An entity whose newest visible version has the same timeline keeps its versions. If that is so
    of all, and nothing in the bucket is invisible, its bytes stay as they are. Otherwise versions
    that no listed load can read are dropped.

    Raises:
        ValueUnreadable: the bucket is damaged, or was, and the load that mended it is not listed.
    """
    mended_by, names, entries = unpack(content, bucket_key)
    if is_unfinished(mended_by, load.load_list):
        raise ValueUnreadable("the load that mended the bucket is not listed")
    ours: list[bytes | None] = list(timelines.values())
    if names != b"".join(timelines):
        positions = [position_of(names, name) for name in timelines]
        if -1 in positions:
            names, entries = _with_names(names, entries, timelines)
            positions = [position_of(names, name) for name in timelines]
        ours = [None] * len(entries)
        for position, timeline in zip(positions, timelines.values(), strict=True):
            ours[position] = timeline
    heads = load.visible_heads
    others = [
        position
        for position, (entry, timeline) in enumerate(zip(entries, ours, strict=True))
        if (timeline is not None and entry[ENTRY_HEAD:] != timeline)
        or entry[:ENTRY_HEAD] not in heads
    ]  # by far the most entries have one version that may be read, and it is not new
    written, is_clean = 0, True
    for position in others:
        entries[position], is_new, had_only_visible = next_entry(
            entries[position], ours[position], load
        )
        written += is_new
        is_clean &= had_only_visible
    if is_clean and not written:
        return content, 0
    packed = pack(bucket_key, mended_by, names, entries)
    return packed, written if packed != content else 0


def _with_names(
    names: bytes, entries: Sequence[bytes], others: Iterable[bytes]
) -> tuple[bytes, list[bytes]]:
    """The names of a bucket and others, sorted, and their entries."""
    known = dict(zip(split_names(names), entries, strict=True))
    every = sorted(known.keys() | set(others))
    return b"".join(every), [known.get(name, NO_ENTRY) for name in every]


def _first(
    bucket_key: bytes, mended_by: int, load_id: int, timelines: Mapping[bytes, bytes]
) -> bytes:
    """A bucket whose entries have the one version of this load."""
    head, names = _head(load_id), sorted(timelines)
    entries = [head + timelines[name] for name in names]
    return pack(bucket_key, mended_by, b"".join(names), entries)


def _head(load_id: int) -> bytes:
    """What an entry begins with whose only version is that of this load."""
    return b"\1" + load_id.to_bytes(ID_BYTES)
