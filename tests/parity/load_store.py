"""A Redis of the random worlds of loads: its keys, and what two secrets find in it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache
from hashlib import blake2b

from stores.redis.buckets import ValueUnreadable, read_timeline
from stores.redis.keys import Namespace, bucket_of, group_of, name_of
from stores.redis.load_list import Load, LoadList, decode_list, encode_list
from stores.redis.new_buckets import mended_bucket, new_bucket, next_bucket
from stores.redis.new_versions import NewVersions
from stores.redis.published import Published, shows_all

GROUPS_IN_USE = range(0, 64, 8)
"""Keys are cut to few bits here, so that entities share buckets."""


@cache
def key_under(secret: int, key: bytes) -> bytes:
    """An entity's key under one of the two secrets."""
    whole = key if secret == 0 else blake2b(key, digest_size=len(key)).digest()
    return bytes([whole[0] & 0b1110_0010, 0, 0, 0]) + whole[4:]


NAMESPACES = tuple(Namespace("timelines", f"secret {secret}") for secret in range(2))
"""Those of the two secrets."""


class LoadStore:
    """Buckets and lists as bytes; `secret` is the one that is used now.

    `damaged` names the buckets that are, `mended` the load that wrote one in place of such.
    """

    def __init__(self) -> None:
        super().__init__()
        self.redis: dict[bytes, bytes] = {}
        self.damaged: set[bytes] = set()
        self.mended: dict[bytes, int] = {}
        self.secret = 0
        self.fences: dict[int, int] = {}
        """The load that had the fence last, under each secret."""
        self.places: dict[tuple[int, bytes, int], bytes] = {}
        """The bucket keys that were asked for: by secret, entity's key and number of buckets."""

    @property
    def namespace(self) -> Namespace:
        return NAMESPACES[self.secret]

    @property
    def load_list(self) -> LoadList:
        content = self.redis.get(self.namespace.list_key(0))
        return LoadList() if content is None else decode_list(content, self.namespace.prefix)

    def set_list(self, load_list: LoadList) -> None:
        self.redis[self.namespace.list_key(0)] = encode_list(load_list, self.namespace.prefix)

    @property
    def newest(self) -> Load | None:
        return self.load_list.newest

    def damage_bucket(self, place: int, *, deleted: bool) -> None:
        """A bucket of the newest load is lost, or one of its bits is flipped."""
        assert self.newest is not None
        keys = self.bucket_keys(self.newest.buckets)
        key = keys[place % len(keys)]
        self.damaged.add(key)
        if deleted:
            self.redis.pop(key, None)
        elif key in self.redis:
            content = self.redis[key]
            self.redis[key] = content[:-1] + bytes([content[-1] ^ 1])

    def write(
        self,
        load_id: int,
        buckets: int,
        timelines: Mapping[bytes, bytes],
        chosen: Collection[bytes],
        until: int | None,
    ) -> None:
        """The buckets of a load, `until` it is killed.

        Unless all entities are chosen, or nothing was in such buckets, those without one stay.
        """
        self.fences[self.secret] = load_id
        is_first = all(load.buckets != buckets for load in self.load_list.loads)
        of_place: dict[bytes, list[bytes]] = {}
        for key in timelines:
            of_place.setdefault(self.bucket_key(key, buckets), []).append(key)
        for place in self.bucket_keys(buckets)[:until]:
            keys = of_place.get(place, [])
            part = {name_of(self.key(key)): timelines[key] for key in keys if key in chosen}
            if is_first:
                self.redis[place] = new_bucket(place, load_id, part)
            elif part or len(chosen) == len(timelines):
                everything = {name_of(self.key(key)): timelines[key] for key in keys}
                self.redis[place] = self.rewritten(place, load_id, part, everything)
            else:
                continue
            self.damaged.discard(place)

    def rewritten(
        self, place: bytes, load_id: int, part: dict[bytes, bytes], everything: dict[bytes, bytes]
    ) -> bytes:
        """A bucket with what is new; one that is damaged or lost, with all it should have."""
        try:
            if place not in self.redis:
                raise ValueUnreadable
            load = NewVersions(load_id, self.load_list)
            return next_bucket(self.redis[place], place, part, load)[0]
        except ValueUnreadable:
            self.mended[place] = load_id
            return mended_bucket(place, load_id, everything)

    def key(self, key: bytes) -> bytes:
        return key_under(self.secret, key)

    def bucket_keys(self, buckets: int) -> list[bytes]:
        return [
            self.namespace.bucket_key(buckets, group, number)
            for group in GROUPS_IN_USE
            for number in range(buckets)
        ]

    def bucket_key(self, key: bytes, buckets: int) -> bytes:
        sought = self.secret, key, buckets
        if sought not in self.places:
            ours = self.key(key)
            place = self.namespace.bucket_key(buckets, group_of(ours), bucket_of(ours, buckets))
            self.places[sought] = place
        return self.places[sought]

    def read(self, key: bytes, load: Load, load_list: LoadList) -> bytes | None:
        """As a request that has the list reads an entity for a load. Raises ValueUnreadable."""
        place = self.bucket_key(key, load.buckets)
        name = name_of(self.key(key))
        return read_timeline(self.redis.get(place), place, name, load.load_id, load_list)

    def shows_all(self) -> bool:
        """Whether nothing may be left of a load that the list does not show."""
        load_list, held = self.load_list, self.fences.get(self.secret)
        copies = (encode_list(load_list, self.namespace.prefix),)
        return shows_all(Published(copies, load_list), [held])

    def with_load(self, load: Load, *, is_enough: bool) -> LoadList:
        """The list with a load that went through all buckets it has to.

        No publisher of ours goes through fewer. One that did could leave the floor where it is, as
        long as none after it takes its fence for that of a load which went through enough.
        """
        before = self.load_list
        if is_enough:
            return before.with_load(load)
        self.fences[self.secret] = 0
        return LoadList(before.floor, (*before.loads, load), before.unused)

    def is_whole(self, place: bytes) -> bool:
        """Whether the bucket is not damaged, and was mended by a load that is listed, if at all."""
        mended_by = self.mended.get(place)
        return place not in self.damaged and (
            mended_by is None or self.load_list.is_visible(mended_by)
        )
