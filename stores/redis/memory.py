"""Whether Redis has room for one more load, asked before a byte of it is written."""

from typing import Final

import redis

from stores.redis.cluster import infos
from stores.redis.errors import RedisFull, RedisMayEvict
from stores.redis.load_list import Load, LoadList

ENTITY_OVERHEAD_BYTES: Final = 36
"""Rather more than Redis needs for one more entity besides its timeline: that is some 24, by the
table in docs/adr/0048-publishing-by-executors.md."""


def bytes_needed(load: Load, row_bytes: int, load_list: LoadList) -> int:
    """About how much memory `load` adds: room for the new entities, and every row that it brings.

    `row_bytes` are those of the keys and timelines of the rows. It is rather too much: a timeline
    that is in Redis already is not written again, and 8 bytes of a key are stored.
    """
    newest = load_list.newest
    known = newest.entities if newest and newest.buckets == load.buckets else 0
    return max(load.entities - known, 0) * ENTITY_OVERHEAD_BYTES + row_bytes


def check_room(client: "redis.Redis", address: str, needed: int) -> None:
    """Refuse a Redis that may evict keys, or that has fewer than `needed` bytes left.

    On a cluster each primary needs its share. Only INFO is used, which managed Redis services allow
    as well. Raises RedisMayEvict, RedisFull.
    """
    servers = infos(client, "memory")
    share = -(-needed // len(servers))
    for info in servers:
        policy = str(info.get("maxmemory_policy", "unknown"))
        if policy != "noeviction":
            raise RedisMayEvict(address=address, policy=policy)
        limit, used = int(info.get("maxmemory", 0)), int(info["used_memory"])
        if limit and used + share > limit:
            raise RedisFull(address=address, needed=share, free=max(limit - used, 0))
