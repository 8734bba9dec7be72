"""Writing the online store, in three steps: take the fence, write the buckets, set the list.

The fence names a load and the run that writes it. A run that has taken it writes the timelines that
are new as versions that nobody can see yet, and then replaces the list of published loads: that
makes all of them visible. Redis refuses every write of a run whose fence has been taken by another
one, so a run that was paused and wakes later changes nothing.

Fence and list have a copy in every group. Two runs never write one bucket at a time.
"""

from math import ceil
from typing import Final

import redis

from stores.redis.buckets import MOST_LOAD_IDS
from stores.redis.cluster import group_sets
from stores.redis.errors import LoadIdTooGreat, LoadTooOld
from stores.redis.fence import TEXT_AT, Fence, fence_keys, run_fenced
from stores.redis.keys import GROUPS, Namespace
from stores.redis.load_list import Load, LoadList, encode_list
from stores.redis.published import Published

BATCH: Final = 256
"""How many buckets are deleted by one script."""

FILL: Final = 16
"""How many entities a bucket has on average when its number is chosen."""
MOST_FILL: Final = 32
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


_DELETE_BUCKETS: Final = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return redis.error_reply('FENCED') end
for i = 2, #KEYS do redis.call('UNLINK', KEYS[i]) end
return #KEYS - 1
"""


def delete_buckets(client: "redis.Redis", namespace: Namespace, fence: Fence, buckets: int) -> None:
    """Delete the buckets of which each group has `buckets`. Raises LoadFenced, RedisLost."""
    for group in range(GROUPS):
        for start in range(0, buckets, BATCH):
            numbers = range(start, min(start + BATCH, buckets))
            keys = [namespace.fence_key(group), *namespace.bucket_keys(buckets, group, numbers)]
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
    """Replace all copies of the list, if they are as before and the fence is still ours.

    On one server that is at once. On a cluster it is group after group, and a request takes what
    the copies it sees agree on.

    The list as it is now. Raises LoadFenced, and the list stays as it was; RedisLost.
    """
    content = encode_list(after, namespace.prefix)
    for groups in group_sets(client):
        list_keys = [namespace.list_key(group) for group in groups]
        keys = [*fence_keys(namespace, groups), *list_keys]
        copies = [before.copies[group] for group in groups]
        run_fenced(client, fence, _SET_LIST, keys, [fence.token, content, *copies])
    return Published((content,) * GROUPS, after)
