"""Going back: the newest load is taken off the list, and never returns."""

from collections.abc import Iterator, Sequence
from datetime import datetime

import redis

from jobs.errors import TooFarBack
from jobs.job import Job
from stores.postgres.loads import LoadRow, loads_of, lock_loads, mark_withdrawn
from stores.redis.connection import connect_redis
from stores.redis.errors import NothingPublished
from stores.redis.publish import read_published, withdraw_newest
from stores.redis.values import MOST_VERSIONS, Load

BEGUN, LISTED, WITHDRAWN = range(3)


def unpublish(job: Job) -> Load:
    """Withdraw the newest published load; it is invisible when this returns.

    The withdrawal is recorded first, so that no run can bring the load back in between; killed
    there, the next call finishes it.

    Raises NothingPublished, TooFarBack, LoaderRunning.
    """
    timelines = job.feature_set.timelines_id
    client: redis.Redis = connect_redis(job.settings.redis_url)
    with job.connect() as connection, client:
        lock_loads(connection, timelines)
        before = read_published(client, timelines)
        if before.newest is None:
            raise NothingPublished(timelines=timelines)
        load_id = before.newest.load_id
        rows = loads_of(connection, timelines)
        already = any(row.load_id == load_id and row.withdrawn_at for row in rows)
        held = min(loads_held(rows), len(before.loads))
        if not already and len(before.loads) > 1 and held <= 1:
            raise TooFarBack(load_id=load_id)
        mark_withdrawn(connection, load_id)
        return withdraw_newest(client, timelines, before)


def loads_held(rows: Sequence[LoadRow]) -> int:
    """How many of the newest published loads every entity can still be read for.

    A value keeps `MOST_VERSIONS`. A load that begins takes one place, visible or not; one that is
    withdrawn gives its own up.
    """
    held = 0
    for _, _, kind in sorted(event for row in rows for event in _history(row)):
        if kind == BEGUN:
            held = min(held, MOST_VERSIONS - 1)
        else:
            held += 1 if kind == LISTED else -1
    return held


def _history(row: LoadRow) -> Iterator[tuple[datetime, int, int]]:
    yield row.created_at, row.load_id, BEGUN
    if row.published_at:
        yield row.published_at, row.load_id, LISTED
        if row.withdrawn_at:
            yield row.withdrawn_at, row.load_id, WITHDRAWN
