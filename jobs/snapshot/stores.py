"""The three stores of a night."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import redis

from jobs.extract.facts import events_slot
from jobs.job import Job
from jobs.snapshot.facts import DATASET
from stores.offline.tables import OfflineStore, check_tables, open_store
from stores.postgres.connection import Connection
from stores.postgres.loads import lock_loads
from stores.redis.connection import connect_redis


@dataclass(frozen=True, slots=True)
class OpenStores:
    """PostgreSQL, Redis and the offline store, as one run has them open."""

    connection: Connection
    client: "redis.Redis"
    offline: OfflineStore


@contextmanager
def open_stores(job: Job, *, builds: bool = False) -> Iterator[OpenStores]:
    """All three stores, with the lock that lets no other job publish meanwhile.

    The table of snapshots is in its newest state, and with `builds` that of the events, too.

    Raises RedisUnavailable, PostgresUnavailable, LoaderRunning and what `find_table` raises.
    """
    tables = [events_slot(job.namespace).table] if builds else []
    tables.append(f"{DATASET}_{job.namespace.timelines}")
    client = connect_redis(job.settings.redis_url)
    offline = open_store(job.settings)
    with client, job.connect() as connection:
        lock_loads(connection, job.feature_set.timelines_id)
        check_tables(offline, tables)
        yield OpenStores(connection, client, offline)
