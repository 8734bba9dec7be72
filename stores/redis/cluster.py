"""What a load asks of Redis across groups: at once on one server, group by group on a cluster.

The keys of a group are on one node. A command or script may not have keys of several groups there.
"""

from collections.abc import Sequence
from typing import Any, cast

import redis
from redis.cluster import RedisCluster

from stores.redis.connection import LateCluster, loss_refused
from stores.redis.errors import RedisLost
from stores.redis.keys import GROUPS


def is_cluster(client: "redis.Redis") -> bool:
    """Whether the client speaks to a cluster."""
    return isinstance(client, LateCluster)


def group_sets(client: "redis.Redis") -> list[range]:
    """The groups that one script may change together: all, or on a cluster each alone."""
    if is_cluster(client):
        return [range(group, group + 1) for group in range(GROUPS)]
    return [range(GROUPS)]


def read_each(client: "redis.Redis", keys: Sequence[bytes]) -> list[bytes | None]:
    """The values of keys of several groups; on a cluster not all as of one instant."""
    if is_cluster(client):
        return cast("list[bytes | None]", cast(Any, client).mget_nonatomic(keys))
    return cast("list[bytes | None]", client.mget(keys))


def infos(client: "redis.Redis", section: str) -> list[dict[str, Any]]:
    """What INFO says of the server, or of each primary of a cluster."""
    if not is_cluster(client):
        return [client.info(section)]
    found = cast(Any, client).info(section, target_nodes=RedisCluster.PRIMARIES)
    several = bool(found) and all(isinstance(value, dict) for value in found.values())
    return list(found.values()) if several else [found]


def server_runs(client: "redis.Redis") -> frozenset[str]:
    """A name for each run of each server: after a restart or a failover it is another one.

    A cluster is asked anew which its primaries are: one that was only away for a while is a replica
    now, in the same run. Raises RedisLost.
    """
    with loss_refused():
        if is_cluster(client):
            cast(Any, client).nodes_manager.initialize()
        return frozenset(info["run_id"] for info in infos(client, "server"))


def check_same_servers(client: "redis.Redis", before: frozenset[str]) -> None:
    """Raises RedisLost where a server was restarted or failed over since `before`.

    It may have lost the last of what it had confirmed by then.
    """
    if server_runs(client) != before:
        raise RedisLost(reason="it was restarted or has failed over meanwhile")
