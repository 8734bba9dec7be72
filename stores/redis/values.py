"""The values of the online store: versions side by side, and the list of published loads.

A value is MessagePack: `[entity check, dropped, load id, timeline, load id, timeline, ...]`, newest
first. The list is MessagePack, too. A version whose load is not listed is invisible.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from features_pkg.entity_keys import NAME_BYTES
from features_pkg.errors import OntemError

MOST_VERSIONS: Final = 3


class VersionUnreadable(OntemError):
    """An online value that can't answer for the load that was asked for: read it as missing."""


class Load(msgspec.Struct, frozen=True, array_like=True):
    """One published load: all entities as of the civil day `as_of` (ordinal).

    `cutoff_us` is where that day begins; `checksum` is over the keys and timelines in the
    snapshot, `revision` the manifest it is from.
    """

    load_id: int
    as_of: int
    cutoff_us: int
    entities: int
    checksum: str
    revision: str


_list_decoder = msgspec.msgpack.Decoder(tuple[Load, ...])


def encode_list(loads: Iterable[Load]) -> bytes:
    """The bytes of the list; oldest first."""
    return msgspec.msgpack.encode(tuple(loads))


def decode_list(content: bytes) -> tuple[Load, ...]:
    """The published loads, oldest first.

    Raises:
        VersionUnreadable: when the bytes are no such list.
    """
    try:
        return _list_decoder.decode(content)
    except msgspec.DecodeError as cause:
        raise VersionUnreadable(f"the list of loads can't be read: {cause}") from None


def load_for_day(loads: Sequence[Load], due_day: int, max_stale_days: int) -> Load | None:
    """The newest load as of `due_day` or at most `max_stale_days` before it; days are ordinals."""
    fit = [load for load in loads if due_day - max_stale_days <= load.as_of <= due_day]
    return max(fit, key=lambda load: (load.as_of, load.load_id), default=None)


def read_version(
    value: bytes | None, entity_key: bytes, load_id: int, listed: frozenset[int]
) -> bytes | None:
    """The timeline that `load_id` sees: its newest visible version not after it; None if never.

    Raises:
        VersionUnreadable: the value is another entity's or damaged, or the version that the load
            would see was dropped. The entity is missing then, not new.
    """
    if value is None:
        return None
    dropped, versions = _unpack(value, entity_key)
    for version_id, timeline in versions:
        if version_id <= load_id and version_id in listed:
            return timeline
    if dropped:
        raise VersionUnreadable(f"the version that load {load_id} sees was dropped")
    return None


def append_version(
    value: bytes | None,
    entity_key: bytes,
    load_id: int,
    timeline: bytes,
    listed: frozenset[int],
) -> bytes | None:
    """The value with `timeline` as the version of `load_id`, or None when nothing changes.

    Versions of unlisted loads go: they can never be read. Nothing changes when the newest listed
    version says the same already, and no unlisted one stands above it.
    """
    dropped, versions = (False, []) if value is None else _unpack(value, entity_key)
    visible = [version for version in versions if version[0] in listed and version[0] < load_id]
    if visible and visible[0][1] == timeline:
        if len(visible) == len(versions):
            return None
        return _pack(entity_key, visible, dropped=dropped)
    kept = [(load_id, timeline), *visible[: MOST_VERSIONS - 1]]
    content = _pack(entity_key, kept, dropped=dropped or len(visible) >= MOST_VERSIONS)
    return None if content == value else content


def _pack(entity_key: bytes, versions: Iterable[tuple[int, bytes]], *, dropped: bool) -> bytes:
    flat = [part for version in versions for part in version]
    return msgspec.msgpack.encode((entity_key[NAME_BYTES:], dropped, *flat))


def _unpack(value: bytes, entity_key: bytes) -> tuple[bool, list[tuple[int, bytes]]]:
    try:
        check, dropped, *flat = msgspec.msgpack.decode(value)
    except (msgspec.DecodeError, TypeError, ValueError):
        raise VersionUnreadable("the value is not one of this store's") from None
    if check != entity_key[NAME_BYTES:] or not isinstance(dropped, bool) or len(flat) % 2:
        raise VersionUnreadable("the value belongs to another entity")
    return dropped, list(zip(flat[::2], flat[1::2], strict=True))
