"""The list of published loads: what requests may ask for, and what stands for all before it.

Its bytes are a CRC-32 and MessagePack. A version whose load is not visible by the list is never
read, whatever a killed or withdrawn load has left behind.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from zlib import crc32

import msgspec

from features_pkg.errors import OntemError

MOST_LISTED: Final = 3
"""How many loads requests may ask for: the newest, the one that is due until the lag is over, and
one more to go back to."""

CRC_BYTES: Final = 4


class ListUnreadable(OntemError):
    """The bytes are not a list of loads."""


class Load(msgspec.Struct, frozen=True, array_like=True):
    """One published load: all entities as of the civil day `as_of` (ordinal).

    That day begins at `cutoff_us`; `checksum` is over the files of its snapshot. The load's values
    are in `buckets` buckets of each group.
    """

    load_id: int
    as_of: int
    cutoff_us: int
    entities: int
    checksum: str
    buckets: int


class LoadList(msgspec.Struct, frozen=True, array_like=True):
    """The listed loads, oldest first, and the floor.

    Versions with an id below the floor were all published. `unused` lists numbers of buckets per
    group whose keys may still exist although no listed load reads them.
    """

    floor: int = 0
    loads: tuple[Load, ...] = ()
    unused: tuple[int, ...] = ()

    @property
    def newest(self) -> Load | None:
        """The newest load, None when there is none."""
        return self.loads[-1] if self.loads else None

    @property
    def ids(self) -> frozenset[int]:
        """The ids of the listed loads."""
        return frozenset(load.load_id for load in self.loads)

    def is_visible(self, load_id: int) -> bool:
        """Whether versions of that load may be read."""
        return load_id < self.floor or any(load.load_id == load_id for load in self.loads)

    def with_load(self, load: Load) -> LoadList:
        """The list once `load` is published.

        It has gone through every bucket, or through those of what is new where each version was one
        that this list shows (`published.shows_all`). So no version is left that may not be read,
        and the floor can rise to the oldest load that stays listed.
        """
        loads = (*self.loads, load)[-MOST_LISTED:]
        return self._with(loads, max(self.floor, loads[0].load_id))

    def without_newest(self) -> LoadList:
        """The list once the newest load is withdrawn."""
        return self._with(self.loads[:-1], self.floor)

    def without(self, load: Load) -> LoadList:
        """The list once `load` is withdrawn, which is the newest or in other copies alone."""
        return self.without_newest() if load == self.newest else self

    def with_unused(self, buckets: int) -> LoadList:
        """The list before buckets are written that no listed load reads yet."""
        return msgspec.structs.replace(self, unused=tuple(sorted({*self.unused, buckets})))

    def without_unused(self) -> LoadList:
        """The list once buckets that no listed load reads are deleted."""
        return msgspec.structs.replace(self, unused=())

    def _with(self, loads: tuple[Load, ...], floor: int) -> LoadList:
        before = {*self.unused, *(load.buckets for load in self.loads)}
        unused = before - {load.buckets for load in loads}
        return LoadList(floor, loads, tuple(sorted(unused)))


_decoder = msgspec.msgpack.Decoder(LoadList)


def encode_list(load_list: LoadList, prefix: str) -> bytes:
    """The bytes of the list of the namespace with this prefix."""
    body = msgspec.msgpack.encode(load_list)
    return crc32(body, crc32(prefix.encode())).to_bytes(CRC_BYTES) + body


def decode_list(content: bytes, prefix: str) -> LoadList:
    """The list in these bytes. Raises ListUnreadable."""
    body = content[CRC_BYTES:]
    if crc32(body, crc32(prefix.encode())).to_bytes(CRC_BYTES) != content[:CRC_BYTES]:
        raise ListUnreadable("the checksum of the list of loads does not match its bytes")
    try:
        return _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as cause:
        raise ListUnreadable(f"the list of loads can't be read: {cause}") from None


def agreed_list(copies: Sequence[LoadList]) -> LoadList:
    """What the copies of several groups agree on.

    They differ only while a list is replaced on a cluster, group after group. A load that only some
    have is being listed or withdrawn: it is left out, so that all groups are read as one load. A
    floor rises only once nothing below it is left that may not be read, so the highest is right.
    """
    first, *others = copies
    if all(copy == first for copy in others):
        return first
    loads = tuple(load for load in first.loads if all(load in copy.loads for copy in others))
    return LoadList(
        max(copy.floor for copy in copies),
        loads,
        tuple(sorted({buckets for copy in copies for buckets in copy.unused})),
    )


def load_for_day(loads: Sequence[Load], due_day: int, max_stale_days: int) -> Load | None:
    """The newest load as of `due_day`, or of at most `max_stale_days` before; days are ordinals."""
    usable = [load for load in loads if due_day - max_stale_days <= load.as_of <= due_day]
    return max(usable, key=lambda load: (load.as_of, load.load_id), default=None)
