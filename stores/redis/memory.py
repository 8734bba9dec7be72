"""Whether Redis takes one more load and has room for it, asked before a byte is written."""

from typing import Final

import redis

from stores.redis.cluster import infos, is_cluster
from stores.redis.errors import RedisFull, RedisIsReplica, RedisMayEvict
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
    """Refuse a replica, a Redis that may evict keys, or one with fewer than `needed` bytes left.

    On a cluster each primary needs its share. Only INFO is used, which managed Redis services allow
    as well. Raises RedisIsReplica, RedisMayEvict, RedisFull.
    """
    _check_role(client, address)
    servers = infos(client, "memory")
    share = -(-needed // len(servers))
    for info in servers:
        policy = str(info.get("maxmemory_policy", "unknown"))
        if policy != "noeviction":
            raise RedisMayEvict(address=address, policy=policy)
        limit, used = int(info.get("maxmemory", 0)), int(info["used_memory"])
        if limit and used + share > limit:
            raise RedisFull(address=address, needed=share, free=max(limit - used, 0))


def _check_role(client: "redis.Redis", address: str) -> None:
    """Raises RedisIsReplica; of a cluster the client itself finds the primaries."""
    if is_cluster(client):
        return
    info = client.info("replication")
    if info.get("role") == "slave":
        primary = f"{info.get('master_host')}:{info.get('master_port')}"
        raise RedisIsReplica(address=address, primary=primary)
