"""Going back: the newest load is taken off the list, and never returns."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime

import redis

from jobs.job import Job, Say
from jobs.snapshot.errors import TooFarBack
from stores.postgres.connection import Connection
from stores.postgres.loads import LoadRow, loads_of, mark_withdrawn, skip_ids_of_lost
from stores.redis.connection import connect_redis
from stores.redis.errors import LoadFenced, NothingPublished
from stores.redis.fence import take_over_fence
from stores.redis.keys import Namespace
from stores.redis.load_list import MOST_LISTED, Load
from stores.redis.publish import set_list
from stores.redis.published import Published, newest_shown, read_published

BEGIN, LIST, WITHDRAW = range(3)


def unpublish(job: Job) -> Load:
    """Withdraw the newest published load; it is invisible when this returns.

    It waits for nobody: a run that is loading meanwhile loses its fence, and is refused its next
    write. The withdrawal is recorded first, so that no other run can publish the load again in
    between. If this is killed there, the next call or any other run finishes it, also where only
    some copies of the list in a cluster were replaced.

    Raises NothingPublished, TooFarBack, LoadFenced (another run of this withdrew it meanwhile).
    """
    client: redis.Redis = connect_redis(job.settings.redis_url)
    with job.connect() as connection, client:
        published = read_published(client, job.namespace)
        load = newest_shown(published, job.namespace)
        if load is None:
            raise NothingPublished(timelines=job.namespace.timelines)
        _check_readable(load, published, loads_of_namespace(connection, job.namespace))
        fence = take_over_fence(client, job.namespace, load.load_id)
        if read_published(client, job.namespace) != published:  # a load was listed in between
            raise LoadFenced(load_id=load.load_id)
        mark_withdrawn(connection, load.load_id)
        after = published.load_list.without(load)
        try:
            set_list(client, job.namespace, fence, published, after)
        except LoadFenced:  # a run began just now, whose load would hide that this one is there
            finish_withdrawal(connection, client, job.namespace, job.say)
        if not after.loads:
            job.say("  no load is published now: distant features are missing until the next night")
        return load


def finish_withdrawal(
    connection: Connection, client: "redis.Redis", namespace: Namespace, say: Say
) -> Published:
    """What is published, once Redis has no load on top that PostgreSQL has not.

    That is one which PostgreSQL records as withdrawn, or one that it lost in a restore or a
    failover. A night and `ontem publish` begin with it: a load on top of such a one would hide that
    it is still there. Raises ListDamaged, LoadFenced.
    """
    published = read_published(client, namespace)
    while newest := newest_shown(published, namespace):
        row = row_of(newest, loads_of_namespace(connection, namespace))
        if row is not None and row.withdrawn_at is None:
            break
        if row is None:
            skip_ids_of_lost(connection, newest.load_id)
        fence = take_over_fence(client, namespace, newest.load_id)
        after = published.load_list.without(newest)
        published = set_list(client, namespace, fence, published, after)
        why = "is not one that PostgreSQL has" if row is None else "was withdrawn before"
        say(
            f"  load {newest.load_id} as of {date.fromordinal(newest.as_of)} {why}, "
            "and is invisible now"
        )
    return published


def row_of(load: Load, rows: Sequence[LoadRow]) -> LoadRow | None:
    """The row of a listed load; None when PostgreSQL has lost it, even if its id was used again."""
    same = (row for row in rows if (row.load_id, row.checksum) == (load.load_id, load.checksum))
    return next(same, None)


def loads_of_namespace(connection: Connection, namespace: Namespace) -> list[LoadRow]:
    """All loads of these timelines under this entity key, oldest first."""
    rows = loads_of(connection, namespace.timelines)
    return [row for row in rows if row.entity_key_id == namespace.key_id]


def withdrawals_to(row: LoadRow, published: Published, rows: Sequence[LoadRow]) -> int | None:
    """How many times `ontem unpublish` withdraws a load until this listed one is withdrawn.

    None where it would refuse one of these times, when others are withdrawn already.
    """
    needed = sum(load_id >= row.load_id for load_id in published.ids)
    return needed if needed <= _possible_withdrawals(published, rows) else None


def _check_readable(load: Load, published: Published, rows: Sequence[LoadRow]) -> None:
    """Raises TooFarBack unless every entity can be read for the load before `load`."""
    if load != published.newest:
        return  # no list that all groups have loses a load
    if not _possible_withdrawals(published, rows) and not _is_withdrawn(load, rows):
        raise TooFarBack(load_id=load.load_id)


def _possible_withdrawals(published: Published, rows: Sequence[LoadRow]) -> int:
    """How many of the listed loads can be withdrawn, the newest first.

    After each every entity must be readable for the one before. With the only one there is none.
    """
    listed = len(published.load_list.loads)
    readable = readable_loads(rows)
    return listed if listed <= max(readable, 1) else max(readable - 1, 0)


def _is_withdrawn(load: Load, rows: Sequence[LoadRow]) -> bool:
    """Whether PostgreSQL says that the load is withdrawn."""
    return any(row.load_id == load.load_id and row.withdrawn_at for row in rows)


def readable_loads(rows: Sequence[LoadRow]) -> int:
    """For how many of the newest published loads every entity can still be read.

    An entity in Redis has room for `MOST_LISTED` versions. A load that begins may push out the
    oldest one, even if it is never published. A load that is withdrawn is one less to be read.
    """
    readable = 0
    steps = sorted(step for row in rows for step in _steps(row))
    for _, _, step in steps:
        if step == BEGIN:
            readable = min(readable, MOST_LISTED - 1)
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
