"""Going back: the newest load is taken off the list, and never returns."""

from collections.abc import Iterator, Sequence
from datetime import datetime

import redis

from jobs.job import Job
from jobs.snapshot.errors import TooFarBack
from stores.postgres.loads import LoadRow, loads_of, lock_loads, mark_withdrawn
from stores.redis.connection import connect_redis
from stores.redis.errors import NothingPublished
from stores.redis.publish import withdraw_newest
from stores.redis.reader import read_published
from stores.redis.values import MOST_VERSIONS, Load

BEGIN, LIST, WITHDRAW = range(3)


def unpublish(job: Job) -> Load:
    """Withdraw the newest published load; it is invisible when this returns.

    The withdrawal is recorded first, so that no other run can publish the load again in between. If
    this is killed there, the next call finishes it.

    Raises NothingPublished, TooFarBack, LoaderRunning.
    """
    timelines = job.feature_set.timelines_id
    client: redis.Redis = connect_redis(job.settings.redis_url)
    with job.connect() as connection, client:
        lock_loads(connection, timelines)
        load_list = read_published(client, timelines)
        if load_list.newest is None:
            raise NothingPublished(timelines=timelines)
        load_id = load_list.newest.load_id
        rows = loads_of(connection, timelines)
        is_recorded = any(row.load_id == load_id and row.withdrawn_at for row in rows)
        readable = min(readable_loads(rows), len(load_list.loads))
        if not is_recorded and len(load_list.loads) > 1 and readable <= 1:
            raise TooFarBack(load_id=load_id)
        mark_withdrawn(connection, load_id)
        return withdraw_newest(client, timelines, load_list)


def readable_loads(rows: Sequence[LoadRow]) -> int:
    """For how many of the newest published loads every entity can still be read.

    A value in Redis has room for `MOST_VERSIONS`. A load that begins may push out the oldest one,
    even if it is never published. A load that is withdrawn is one less to be read.
    """
    readable = 0
    steps = sorted(step for row in rows for step in _steps(row))
    for _, _, step in steps:
        if step == BEGIN:
            readable = min(readable, MOST_VERSIONS - 1)
        else:
            readable += 1 if step == LIST else -1
    return readable


def _steps(row: LoadRow) -> Iterator[tuple[datetime, int, int]]:
    """When the load began, was listed and was withdrawn, as far as it was."""
    yield row.created_at, row.load_id, BEGIN
    if row.published_at:
        yield row.published_at, row.load_id, LIST
        if row.withdrawn_at:
            yield row.withdrawn_at, row.load_id, WITHDRAW
