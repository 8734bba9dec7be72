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

from struct import unpack as unpack_fields
from typing import Any, Final
from zlib import crc32

import msgspec

from features_pkg.errors import OntemError
from stores.redis.load_list import LoadList

CRC_BYTES: Final = 4
NAME_BYTES: Final = 8
_NAME: Final = f"{NAME_BYTES}s"
ID_BYTES: Final = 3
MOST_LOAD_IDS: Final = 2 ** (8 * ID_BYTES)
LENGTH_BYTES: Final = 2
"""Enough: a timeline lists at most 90 days, a few numbers on each (`features_pkg/timelines`)."""
DROPPED: Final = 0x80
ENTRY_HEAD: Final = 1 + ID_BYTES
"""What an entry of one version begins with; its timeline follows."""

NO_ENTRY: Final = b""
"""Stands for the entry of an entity that a bucket does not have."""

Version = tuple[int, bytes]
"""Load id and timeline."""

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
    mended_by, names, entries = unpack(content, bucket_key)
    position = position_of(names, name)
    dropped, versions = versions_of(entries[position]) if position >= 0 else (False, [])
    for version_id, timeline in versions:
        if version_id <= load_id and load_list.is_visible(version_id):
            return timeline
    if dropped or load_id < mended_by or is_unfinished(mended_by, load_list):
        raise ValueUnreadable(f"the version that load {load_id} needs was dropped")
    return None


def is_unfinished(mended_by: int, load_list: LoadList) -> bool:
    """Whether a bucket was mended by a load that can't be read, so that it has nothing yet."""
    return mended_by > 0 and not load_list.is_visible(mended_by)


def versions_of(entry: bytes) -> tuple[bool, list[Version]]:
    """Whether older versions were dropped, and the versions that are left."""
    if not entry:
        return False, []
    count = entry[0] & ~DROPPED
    if count == 1:
        only = (int.from_bytes(entry[1:ENTRY_HEAD]), entry[ENTRY_HEAD:])
        return entry[0] >= DROPPED, [only]
    ids_end = 1 + ID_BYTES * count
    start = ids_end + LENGTH_BYTES * max(count - 1, 0)
    versions, length_at = [], ids_end
    for id_at in range(1, ids_end - ID_BYTES, ID_BYTES):
        end = start + int.from_bytes(entry[length_at : length_at + LENGTH_BYTES])
        versions.append((int.from_bytes(entry[id_at : id_at + ID_BYTES]), entry[start:end]))
        start, length_at = end, length_at + LENGTH_BYTES
    if count:
        versions.append((int.from_bytes(entry[ids_end - ID_BYTES : ids_end]), entry[start:]))
    return entry[0] >= DROPPED, versions


def pack(bucket_key: bytes, mended_by: int, names: bytes, entries: list[bytes]) -> bytes:
    """The bytes of a bucket; a name whose entry is `NO_ENTRY` is left out."""
    if NO_ENTRY in entries:
        found = [pair for pair in zip(split_names(names), entries, strict=True) if pair[1]]
        names, entries = b"".join(name for name, _ in found), [entry for _, entry in found]
    body = _encode([mended_by, names, *entries])
    return crc32(body, crc32(bucket_key)).to_bytes(CRC_BYTES) + body


def unpack(content: bytes, bucket_key: bytes) -> tuple[int, bytes, list[bytes]]:
    """Which load mended a bucket, its names, and its entries. Raises ValueUnreadable."""
    body = content[CRC_BYTES:]
    if crc32(body, crc32(bucket_key)).to_bytes(CRC_BYTES) != content[:CRC_BYTES]:
        raise ValueUnreadable("the checksum of the bucket does not match its bytes")
    try:
        mended_by, names, *entries = _decode(body)
    except (msgspec.DecodeError, ValueError):
        raise ValueUnreadable("the bucket is not one of this store's") from None
    return mended_by, names, entries


def split_names(names: bytes) -> tuple[bytes, ...]:
    """Each of the names that are one after the other."""
    return unpack_fields(_NAME * (len(names) // NAME_BYTES), names)


def position_of(names: bytes, name: bytes) -> int:
    """Which of the names it is, -1 for none; what is found across two names is not it."""
    at = names.find(name)
    while at >= 0 and at % NAME_BYTES:
        at = names.find(name, at + 1)
    return at // NAME_BYTES
