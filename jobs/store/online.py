"""Timelines in Redis that nobody can reach any more: of another secret, or of models that are gone.

A request reads the timelines of its model, under its own secret, and no load that is older than a
few days. So what has had no load for long, and what no known model and no night of these settings
asks for, is read by nobody. Only what PostgreSQL knows loads of is looked at: all else in Redis
belongs to others.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Final

import redis

from stores.postgres.connection import Connection
from stores.postgres.loads import LoadRow, lock_loads
from stores.redis.keys import GROUPS, Namespace

AT_ONCE: Final = 256
"""How many keys one command removes."""


def unreachable(
    loads: Sequence[LoadRow], ours: Namespace, models: Collection[str], before: datetime
) -> list[Namespace]:
    """The namespaces of these loads that nobody can reach, oldest first.

    `models` are the timelines of all known models, which are read under our own secret. What has a
    load from `before` or later stays, whatever its day is.
    """
    newest = {Namespace(load.timelines, load.entity_key_id): load.created_at for load in loads}
    kept = {Namespace(timelines, ours.key_id) for timelines in models} | {ours}
    return [name for name, at in newest.items() if name not in kept and at < before]


def count_keys(client: "redis.Redis", namespace: Namespace) -> int:
    """How many keys of a namespace are in Redis."""
    return sum(1 for _ in _keys(client, namespace))


def remove_keys(connection: Connection, client: "redis.Redis", namespace: Namespace) -> int:
    """Remove all keys of a namespace; how many there were. After a kill the next call goes on.

    The list goes first: without it nobody takes an entity for a new one. Raises LoaderRunning while
    somebody loads these timelines.
    """
    lock_loads(connection, namespace.timelines)
    removed = _unlink(client, [namespace.list_key(group) for group in range(GROUPS)])
    keys = _keys(client, namespace)
    while batch := list(islice(keys, AT_ONCE)):
        removed += _unlink(client, batch)
    return removed


def _unlink(client: "redis.Redis", keys: Sequence[bytes]) -> int:
    """Remove these keys; how many there were. A cluster's client divides them among its nodes."""
    return client.unlink(*keys)


def _keys(client: "redis.Redis", namespace: Namespace) -> Iterator[bytes]:
    yield from client.scan_iter(match=f"{namespace.prefix}*", count=1_000)
