"""Writing the online store, in three steps: take the fence, write the buckets, set the list.

The fence names a load and the run that writes it. A run that has taken it writes every bucket with
a version of each of its entities, which nobody can see yet, and then replaces the list of published
loads at once: that makes all of them visible. Redis refuses every write of a run whose fence has
been taken by another one, so a run that was paused and wakes later changes nothing.

Fence and list have a copy in every group. Two runs never write one bucket at a time.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final, TypeAlias, cast

import redis

from stores.redis.buckets import (
    MOST_LOAD_IDS,
    ValueUnreadable,
    mended_bucket,
    new_bucket,
    next_bucket,
)
from stores.redis.errors import LoadIdTooGreat, LoadTooOld
from stores.redis.fence import TEXT_AT, Fence, fence_keys, loss_refused, run_fenced
from stores.redis.keys import GROUPS, Namespace, bucket_of, name_of
from stores.redis.load_list import Load, LoadList, encode_list
from stores.redis.published import Published

BATCH: Final = 256
"""How many buckets are written by one script."""

FILL: Final = 10
"""How many entities a bucket has on average when its number is chosen."""
MOST_FILL: Final = 24
"""How many it may have on average before a load is written to more buckets."""

GroupRows: TypeAlias = tuple[Sequence[bytes], Sequence[bytes]]
"""The keys of all entities of a group, and the timeline of each."""


def choose_buckets(entities: int, load_list: LoadList) -> int:
    """How many buckets each group gets: as many as the newest load has, unless they are too full.

    Loads with different numbers are side by side, and each is read from its own buckets.
    """
    newest = load_list.newest
    if newest is not None and entities <= GROUPS * newest.buckets * MOST_FILL:
        return newest.buckets
    return max(ceil(entities / (GROUPS * FILL)), 1)


def check_newer(load: Load, load_list: LoadList) -> None:
    """Raises LoadTooOld unless `load` is newer than all published ones, by id and by day."""
    newest = load_list.newest
    if newest and (load.load_id <= newest.load_id or load.as_of <= newest.as_of):
        raise LoadTooOld(load_id=load.load_id, as_of=load.as_of, newest=newest)
    if load.load_id >= MOST_LOAD_IDS:
        raise LoadIdTooGreat(load_id=load.load_id, most=MOST_LOAD_IDS - 1)


@dataclass(slots=True)
class WriteCounts:
    """How many entities have a new version, and how many damaged buckets were written anew."""

    entities: int = 0
    mended_buckets: int = 0


class BucketWriter:
    """Writes all buckets of one load, while its run has the fence.

    `load_list` is the list before the load. A load into buckets that no listed load reads writes
    over whatever they hold.
    """

    def __init__(
        self,
        client: "redis.Redis",
        namespace: Namespace,
        fence: Fence,
        *,
        load: Load,
        load_list: LoadList,
    ) -> None:
        self._client, self._namespace, self._fence = client, namespace, fence
        self._load_id, self._buckets, self._load_list = load.load_id, load.buckets, load_list
        self.into_new_buckets = all(listed.buckets != load.buckets for listed in load_list.loads)
        self.counts = WriteCounts()

    def write(self, groups: Iterable[GroupRows]) -> WriteCounts:
        """Write all groups, in their order. When this returns, Redis has confirmed every write.

        Repeated, it writes the same bytes. Raises LoadFenced, RedisLost.
        """
        for group, (keys, timelines) in enumerate(groups):
            contents: list[dict[bytes, bytes]] = [{} for _ in range(self._buckets)]
            for key, timeline in zip(keys, timelines, strict=True):
                contents[bucket_of(key, self._buckets)][name_of(key)] = timeline
            for start in range(0, self._buckets, BATCH):
                self._write_batch(group, start, contents[start : start + BATCH])
        return self.counts

    def _write_batch(
        self, group: int, start: int, contents: Sequence[Mapping[bytes, bytes]]
    ) -> None:
        keys = [
            self._namespace.bucket_key(self._buckets, group, start + number)
            for number in range(len(contents))
        ]
        changed = list(self._changed(keys, contents))
        if changed:
            fence_key = self._namespace.fence_key(group)
            new_keys, new_contents = zip(*changed, strict=True)
            run_fenced(
                self._client,
                self._fence,
                _WRITE_BUCKETS,
                [fence_key, *new_keys],
                [self._fence.token, *new_contents],
            )

    def _changed(
        self, keys: Sequence[bytes], contents: Sequence[Mapping[bytes, bytes]]
    ) -> Iterator[tuple[bytes, bytes]]:
        """The buckets to write, with their new bytes."""
        load_id = self._load_id
        if self.into_new_buckets:
            for key, timelines in zip(keys, contents, strict=True):
                self.counts.entities += len(timelines)
                yield key, new_bucket(key, load_id, timelines)
            return
        with loss_refused():
            old = cast(Sequence[bytes | None], self._client.mget(keys))
        for key, before, timelines in zip(keys, old, contents, strict=True):
            try:
                if before is None:
                    raise ValueUnreadable("the bucket is not there")
                content, entities = next_bucket(before, key, load_id, timelines, self._load_list)
            except ValueUnreadable:
                content, entities = mended_bucket(key, load_id, timelines), len(timelines)
                self.counts.mended_buckets += 1
            if content != before:
                self.counts.entities += entities
                yield key, content


_WRITE_BUCKETS: Final = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return redis.error_reply('FENCED') end
for i = 2, #KEYS do redis.call('SET', KEYS[i], ARGV[i]) end
return #KEYS - 1
"""

_DELETE_BUCKETS: Final = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return redis.error_reply('FENCED') end
for i = 2, #KEYS do redis.call('UNLINK', KEYS[i]) end
return #KEYS - 1
"""


def delete_buckets(client: "redis.Redis", namespace: Namespace, fence: Fence, buckets: int) -> None:
    """Delete the buckets of which each group has `buckets`. Raises LoadFenced, RedisLost."""
    for group in range(GROUPS):
        for start in range(0, buckets, BATCH):
            keys = [
                namespace.bucket_key(buckets, group, number)
                for number in range(start, min(start + BATCH, buckets))
            ]
            keys.insert(0, namespace.fence_key(group))
            run_fenced(client, fence, _DELETE_BUCKETS, keys, [fence.token])


_SET_LIST: Final = (
    TEXT_AT
    + """
local groups = #KEYS / 2
for i = 1, groups do
  if redis.call('GET', KEYS[i]) ~= ARGV[1] then return redis.error_reply('FENCED') end
  if text_at(KEYS[groups + i]) ~= ARGV[2 + i] then
    return redis.error_reply('FENCED')
  end
end
for i = 1, groups do redis.call('SET', KEYS[groups + i], ARGV[2]) end
return 1
"""
)


def set_list(
    client: "redis.Redis", namespace: Namespace, fence: Fence, before: Published, after: LoadList
) -> Published:
    """Replace all copies of the list at once, if they are as before and the fence is still ours.

    The list as it is now. Raises LoadFenced, and the list stays as it was; RedisLost.
    """
    content = encode_list(after, namespace.prefix)
    list_keys = [namespace.list_key(group) for group in range(GROUPS)]
    keys = [*fence_keys(namespace), *list_keys]
    run_fenced(client, fence, _SET_LIST, keys, [fence.token, content, *before.copies])
    return Published((content,) * GROUPS, after)
