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
from typing import Final, cast

import redis

from stores.redis.buckets import MOST_LOAD_IDS, ValueUnreadable
from stores.redis.errors import LoadIdTooGreat, LoadTooOld
from stores.redis.fence import TEXT_AT, Fence, fence_keys, loss_refused, run_fenced
from stores.redis.keys import GROUPS, Namespace
from stores.redis.load_list import Load, LoadList, encode_list
from stores.redis.new_buckets import NewVersions, mended_bucket, new_bucket, next_bucket
from stores.redis.published import Published
from stores.redis.ring import RingRows

BATCH: Final = 256
"""How many buckets are written by one script."""

FILL: Final = 10
"""How many entities a bucket has on average when its number is chosen."""
MOST_FILL: Final = 24
"""How many it may have on average before a load is written to more buckets."""


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
    """Writes buckets of one load, while its run has the fence.

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
        self._load_id, self._buckets = load.load_id, load.buckets
        self._versions = NewVersions(load.load_id, load_list)
        self.into_new_buckets = all(listed.buckets != load.buckets for listed in load_list.loads)
        self.counts = WriteCounts()

    def write(self, pieces: Iterable[RingRows]) -> WriteCounts:
        """Write the buckets of all pieces. When this returns, Redis has confirmed every write.

        Repeated, it writes the same bytes. Raises LoadFenced, RedisLost.
        """
        for piece in pieces:
            contents = piece.contents(self._buckets)
            for first, end in batches(piece.first, piece.end, self._buckets):
                self._write_batch(first, contents[first - piece.first : end - piece.first])
        return self.counts

    def _write_batch(self, first: int, contents: Sequence[Mapping[bytes, bytes]]) -> None:
        """Write the buckets of one group from the place `first` on."""
        group, number = divmod(first, self._buckets)
        keys = self._namespace.bucket_keys(self._buckets, group, number, len(contents))
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
        load_id, counts = self._load_id, self.counts
        if self.into_new_buckets:
            for key, timelines in zip(keys, contents, strict=True):
                counts.entities += len(timelines)
                yield key, new_bucket(key, load_id, timelines)
            return
        with loss_refused():
            old = cast(Sequence[bytes | None], self._client.mget(keys))
        for key, before, timelines in zip(keys, old, contents, strict=True):
            try:
                if before is None:
                    raise ValueUnreadable("the bucket is not there")
                content, entities = next_bucket(before, key, timelines, self._versions)
            except ValueUnreadable:
                content, entities = mended_bucket(key, load_id, timelines), len(timelines)
                counts.mended_buckets += 1
            if content != before:
                counts.entities += entities
                yield key, content


def batches(first: int, end: int, buckets: int) -> Iterator[tuple[int, int]]:
    """Ranges of places from `first` to before `end`, each of one group and for one script."""
    while first < end:
        end_of_group = (first // buckets + 1) * buckets
        stop = min(first + BATCH, end_of_group, end)
        yield first, stop
        first = stop


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
            count = min(BATCH, buckets - start)
            keys = [
                namespace.fence_key(group),
                *namespace.bucket_keys(buckets, group, start, count),
            ]
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
