"""The names of the keys in Redis, and which bucket an entity is in.

An entity's key is a keyed hash, so its first bits spread entities evenly, and a buyer can't choose
values that fall into one place. The first 6 bits choose one of 64 groups, the bits after them one
of the group's buckets. The keys of a group share a hash tag, so on a cluster they are on one node:
its buckets, a copy of the list of loads, and a copy of the fence.
"""

from binascii import crc_hqx
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import count
from typing import Final

from features_pkg.entity_keys import EntityKeys

GROUPS: Final = 64
NAME_START: Final = 8
NAME_END: Final = 16
"""These bytes of its key name an entity inside its bucket."""

_CLUSTER_SLOTS: Final = 16_384


def _tags() -> tuple[str, ...]:
    """A hash tag for each group, spread over a cluster's slots as groups are over keys.

    A node usually has a contiguous range of slots, so nodes get equal shares of the groups. The
    slot of a tag is its CRC16 (`crc_hqx`), as a cluster computes it.
    """
    tag_by_group: dict[int, str] = {}
    for number in count():
        tag = str(number)
        group = crc_hqx(tag.encode(), 0) % _CLUSTER_SLOTS * GROUPS // _CLUSTER_SLOTS
        tag_by_group.setdefault(group, tag)
        if len(tag_by_group) == GROUPS:
            return tuple(tag_by_group[group] for group in range(GROUPS))
    raise AssertionError  # pragma: no cover: count() has no end


TAGS: Final = _tags()


@dataclass(frozen=True, slots=True)
class Namespace:
    """Where the loads of one timelines id under one entity key are."""

    timelines: str
    key_id: str

    @classmethod
    def of(cls, keys: EntityKeys) -> "Namespace":
        """The namespace of the loads whose entities have these keys."""
        return cls(keys.timelines_id, keys.key_id)

    @property
    def prefix(self) -> str:
        """What all its keys begin with."""
        return f"o:{self.timelines}:{self.key_id}:"

    def list_key(self, group: int) -> bytes:
        """The key of a group's copy of the list of published loads."""
        return f"{self.prefix}{{{TAGS[group]}}}loads".encode()

    def fence_key(self, group: int) -> bytes:
        """The key of a group's copy of the fence."""
        return f"{self.prefix}{{{TAGS[group]}}}fence".encode()

    def bucket_key(self, buckets: int, group: int, number: int) -> bytes:
        """The key of a bucket, where each group has `buckets` of them."""
        return f"{self.prefix}{{{TAGS[group]}}}{buckets:x}:{number:x}".encode()

    def bucket_keys(self, buckets: int, group: int, numbers: Iterable[int]) -> list[bytes]:
        """The keys of the buckets of a group that have these numbers."""
        start = f"{self.prefix}{{{TAGS[group]}}}{buckets:x}:".encode()
        return [start + b"%x" % number for number in numbers]


def group_of(entity_key: bytes) -> int:
    """The group that an entity is in."""
    return entity_key[0] >> 2


def bucket_of(entity_key: bytes, buckets: int) -> int:
    """The number of the entity's bucket among the `buckets` of its group.

    Entities in the order of their keys are in the order of their groups and buckets.
    """
    # The first 32 bits are a fraction of the whole ring; times all buckets of all groups it is the
    # bucket's number in the ring, and the remainder is its number within its group.
    return (int.from_bytes(entity_key[:4]) * GROUPS * buckets >> 32) % buckets


def name_of(entity_key: bytes) -> bytes:
    """What names the entity in its bucket."""
    return entity_key[NAME_START:NAME_END]
