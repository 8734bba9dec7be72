"""The values of the online store: an entity's versions, and the list of published loads.

A value is MessagePack: `[entity check, dropped, load id, timeline, load id, timeline, ...]`. Each
load id with its timeline is one version, the newest first; `dropped` says whether older versions
were dropped. The list is MessagePack as well. A version whose load is not in the list is invisible.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from features_pkg.entity_keys import NAME_BYTES
from features_pkg.errors import OntemError

MOST_VERSIONS: Final = 3
"""How many versions of an entity Redis has at most."""


class VersionUnreadable(OntemError):
    """A value that can't be read for a load: the entity is missing then, not new."""


class Load(msgspec.Struct, frozen=True, array_like=True):
    """One published load: all entities as of the civil day `as_of` (ordinal).

    That day begins at `cutoff_us`. `revision` is the key of the snapshot's manifest, and `checksum`
    is over its files.
    """

    load_id: int
    as_of: int
    cutoff_us: int
    entities: int
    checksum: str
    revision: str


_list_decoder = msgspec.msgpack.Decoder(tuple[Load, ...])


def encode_list(loads: Iterable[Load]) -> bytes:
    """The bytes of the list; `loads` are oldest first."""
    return msgspec.msgpack.encode(tuple(loads))


def decode_list(content: bytes) -> tuple[Load, ...]:
    """The published loads, oldest first.

    Raises:
        VersionUnreadable: the bytes are not a list of loads.
    """
    try:
        return _list_decoder.decode(content)
    except msgspec.DecodeError as cause:
        raise VersionUnreadable(f"the list of loads can't be read: {cause}") from None


def load_for_day(loads: Sequence[Load], due_day: int, max_stale_days: int) -> Load | None:
    """The newest load as of `due_day`, or of at most `max_stale_days` before; days are ordinals."""
    usable = [load for load in loads if due_day - max_stale_days <= load.as_of <= due_day]
    return max(usable, key=lambda load: (load.as_of, load.load_id), default=None)


def read_version(
    value: bytes | None, entity_key: bytes, load_id: int, listed_ids: frozenset[int]
) -> bytes | None:
    """The timeline of an entity as of the load `load_id`; None when it was never seen by then.

    That is its newest visible version of that load or an older one.

    Raises:
        VersionUnreadable: the value is another entity's or damaged, or the version was dropped.
    """
    if value is None:
        return None
    dropped, versions = _unpack(value, entity_key)
    for version_id, timeline in versions:
        if version_id <= load_id and version_id in listed_ids:
            return timeline
    if dropped:
        raise VersionUnreadable(f"the version that load {load_id} needs was dropped")
    return None


def append_version(
    value: bytes | None,
    entity_key: bytes,
    load_id: int,
    timeline: bytes,
    listed_ids: frozenset[int],
) -> bytes | None:
    """The value with `timeline` as the version of `load_id`; None when the value need not change.

    Versions of loads that are not listed are removed: they can never be read. The value need not
    change when its newest version is listed and has the same timeline.
    """
    dropped, versions = (False, []) if value is None else _unpack(value, entity_key)
    visible = [version for version in versions if version[0] in listed_ids and version[0] < load_id]
    if visible and visible[0][1] == timeline:
        if len(visible) == len(versions):
            return None
        return _pack(entity_key, visible, dropped=dropped)
    newest = [(load_id, timeline), *visible[: MOST_VERSIONS - 1]]
    content = _pack(entity_key, newest, dropped=dropped or len(visible) >= MOST_VERSIONS)
    return None if content == value else content


def _pack(entity_key: bytes, versions: Iterable[tuple[int, bytes]], *, dropped: bool) -> bytes:
    flat = [field for version in versions for field in version]
    return msgspec.msgpack.encode((entity_key[NAME_BYTES:], dropped, *flat))


def _unpack(value: bytes, entity_key: bytes) -> tuple[bool, list[tuple[int, bytes]]]:
    try:
        check, dropped, *flat = msgspec.msgpack.decode(value)
    except (msgspec.DecodeError, TypeError, ValueError):
        raise VersionUnreadable("the value is not one of this store's") from None
    if check != entity_key[NAME_BYTES:] or not isinstance(dropped, bool) or len(flat) % 2:
        raise VersionUnreadable("the value belongs to another entity")
    return dropped, list(zip(flat[::2], flat[1::2], strict=True))
