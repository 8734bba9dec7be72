"""The values of the online store: buckets of some entities, each with its versions.

A bucket is a CRC-32 over its key and its body, then the body, which is MessagePack: `[mended by,
names, entry, entry, ...]`. The names are 8 bytes each, sorted, one after the other; the entries are
in their order. An entry holds versions, newest first: a byte with their number and whether older
ones were dropped, the load id of each in 3 bytes, the length of each timeline but the last in 2,
and the timelines.

Every bucket of a load is written, also an empty one. So what is not there is missing, and only a
name that a sound bucket lacks was never seen. `mended by` is the load that wrote the bucket anew
after it was damaged, 0 if none did: a load before that one can't say even that (docs/semantics.md
section 8.3).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final
from zlib import crc32

import msgspec

from features_pkg.errors import OntemError
from stores.redis.load_list import MOST_LISTED, LoadList

CRC_BYTES: Final = 4
NAME_BYTES: Final = 8
ID_BYTES: Final = 3
MOST_LOAD_IDS: Final = 2 ** (8 * ID_BYTES)
LENGTH_BYTES: Final = 2
"""Enough: a timeline lists at most 90 days, a few numbers on each (`features_pkg/timelines`)."""
DROPPED: Final = 0x80
ENTRY_HEAD: Final = 1 + ID_BYTES
"""What an entry of one version begins with; its timeline follows."""

Version = tuple[int, bytes]
"""Load id and timeline."""
IsVisible = Callable[[int], bool]

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Any]).decode


class ValueUnreadable(OntemError):
    """A value that can't be read for a load: the entity is missing then, not new."""


def read_timeline(
    content: bytes | None, bucket_key: bytes, name: bytes, load_id: int, load_list: LoadList
) -> bytes | None:
    """The timeline of an entity as of the load `load_id`; None when it was never seen by then.

    That is its newest visible version of that load or an older one.

    Raises:
        ValueUnreadable: the bucket is not there or damaged, or the version was dropped.
    """
    if content is None:
        raise ValueUnreadable("the bucket is not there")
    mended_by, names, entries = _unpack(content, bucket_key)
    position = _position(names, name)
    dropped, versions = _versions(entries[position]) if position >= 0 else (False, [])
    for version_id, timeline in versions:
        if version_id <= load_id and load_list.is_visible(version_id):
            return timeline
    if dropped or load_id < mended_by or _is_unfinished(mended_by, load_list):
        raise ValueUnreadable(f"the version that load {load_id} needs was dropped")
    return None


def new_bucket(bucket_key: bytes, load_id: int, timelines: Mapping[bytes, bytes]) -> bytes:
    """A bucket that no listed load reads yet, with the timelines of the first one."""
    return _pack(bucket_key, 0, _only(load_id, timelines))


def mended_bucket(bucket_key: bytes, load_id: int, timelines: Mapping[bytes, bytes]) -> bytes:
    """The bucket in place of one that is damaged or not there: earlier loads find it missing."""
    return _pack(bucket_key, load_id, _only(load_id, timelines))


def next_bucket(
    content: bytes,
    bucket_key: bytes,
    load_id: int,
    timelines: Mapping[bytes, bytes],
    load_list: LoadList,
) -> tuple[bytes, int]:
    """The bucket with the timelines of a load, by name, and how many of them are new in it.

    An entity whose newest visible version has the same timeline keeps its versions. If that is so
    of all, and nothing in the bucket is invisible, its bytes stay as they are. Otherwise versions
    that no listed load can read are dropped.

    Raises:
        ValueUnreadable: the bucket is damaged, or was, and the load that mended it is not listed.
    """
    mended_by, names, entries = _unpack(content, bucket_key)
    if _is_unfinished(mended_by, load_list):
        raise ValueUnreadable("the load that mended the bucket is not listed")
    old = dict(zip(_split(names), entries, strict=True))
    visible = {
        version_id
        for version_id in _ids(entries)
        if version_id < load_id and load_list.is_visible(version_id)
    }
    reading_load_ids = (load_id, *(load.load_id for load in load_list.loads[1 - MOST_LISTED :]))
    new = {}
    written, is_clean = 0, True
    for name, entry in old.items():
        timeline = timelines.get(name)
        is_same = timeline is None or entry[ENTRY_HEAD:] == timeline
        if entry[0] == 1 and is_same and int.from_bytes(entry[1:ENTRY_HEAD]) in visible:
            new[name] = entry  # by far the most: one version, and nothing new
            continue
        dropped, versions = _versions(entry)
        visible_versions = [version for version in versions if version[0] in visible]
        is_clean &= len(visible_versions) == len(versions)
        if timeline is not None and not (visible_versions and visible_versions[0][1] == timeline):
            visible_versions = [(load_id, timeline), *visible_versions]
            written += 1
        needed = _needed_by(visible_versions, reading_load_ids)
        if needed or dropped:
            new[name] = _entry(needed, dropped=dropped or len(needed) < len(visible_versions))
    newcomers = {name: timeline for name, timeline in timelines.items() if name not in old}
    written += len(newcomers)
    if is_clean and not written:
        return content, 0
    packed = _pack(bucket_key, mended_by, new | _only(load_id, newcomers))
    return packed, written if packed != content else 0


def _is_unfinished(mended_by: int, load_list: LoadList) -> bool:
    """Whether a bucket was mended by a load that can't be read, so that it has nothing yet."""
    return mended_by > 0 and not load_list.is_visible(mended_by)


def _only(load_id: int, timelines: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
    """Entries with the one version of this load."""
    head = b"\1" + load_id.to_bytes(ID_BYTES)
    return {name: head + timeline for name, timeline in timelines.items()}


def _needed_by(versions: list[Version], reading_load_ids: tuple[int, ...]) -> list[Version]:
    """Those of the versions, newest first, that one of the loads reads."""
    if len(versions) == 1:
        return versions
    read_ids = {
        next((version_id for version_id, _ in versions if version_id <= load_id), None)
        for load_id in reading_load_ids
    }
    return [version for version in versions if version[0] in read_ids]


def _entry(versions: list[Version], *, dropped: bool) -> bytes:
    head = len(versions) | (DROPPED if dropped else 0)
    return b"".join(
        (
            head.to_bytes(),
            *(load_id.to_bytes(ID_BYTES) for load_id, _ in versions),
            *(len(timeline).to_bytes(LENGTH_BYTES) for _, timeline in versions[:-1]),
            *(timeline for _, timeline in versions),
        )
    )


def _versions(entry: bytes) -> tuple[bool, list[Version]]:
    """Whether older versions were dropped, and the versions that are left."""
    count = entry[0] & ~DROPPED
    if count == 1:
        only = (int.from_bytes(entry[1:ENTRY_HEAD]), entry[ENTRY_HEAD:])
        return entry[0] >= DROPPED, [only]
    ids_end = 1 + ID_BYTES * count
    start = ids_end + LENGTH_BYTES * max(count - 1, 0)
    versions = []
    for number in range(count):
        load_id = int.from_bytes(entry[1 + ID_BYTES * number :][:ID_BYTES])
        length_at = ids_end + LENGTH_BYTES * number
        length = int.from_bytes(entry[length_at : length_at + LENGTH_BYTES])
        end = start + length if number < count - 1 else len(entry)
        versions.append((load_id, entry[start:end]))
        start = end
    return entry[0] >= DROPPED, versions


def _pack(bucket_key: bytes, mended_by: int, entries: Mapping[bytes, bytes]) -> bytes:
    names = sorted(entries)
    body = _encode([mended_by, b"".join(names), *(entries[name] for name in names)])
    return crc32(body, crc32(bucket_key)).to_bytes(CRC_BYTES) + body


def _unpack(content: bytes, bucket_key: bytes) -> tuple[int, bytes, list[bytes]]:
    body = content[CRC_BYTES:]
    if crc32(body, crc32(bucket_key)).to_bytes(CRC_BYTES) != content[:CRC_BYTES]:
        raise ValueUnreadable("the checksum of the bucket does not match its bytes")
    try:
        mended_by, names, *entries = _decode(body)
    except (msgspec.DecodeError, ValueError):
        raise ValueUnreadable("the bucket is not one of this store's") from None
    return mended_by, names, entries


def _ids(entries: list[bytes]) -> set[int]:
    """The load ids of all versions."""
    id_fields = {entry[1 : 1 + ID_BYTES * (entry[0] & ~DROPPED)] for entry in entries}
    return {
        int.from_bytes(ids[at : at + ID_BYTES])
        for ids in id_fields
        for at in range(0, len(ids), ID_BYTES)
    }


def _split(names: bytes) -> list[bytes]:
    return [names[at : at + NAME_BYTES] for at in range(0, len(names), NAME_BYTES)]


def _position(names: bytes, name: bytes) -> int:
    """Which of the names it is, -1 for none; what is found across two names is not it."""
    at = names.find(name)
    while at >= 0 and at % NAME_BYTES:
        at = names.find(name, at + 1)
    return at // NAME_BYTES
