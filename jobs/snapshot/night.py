"""The night job: from orders in PostgreSQL to a load that requests can see."""

from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date
from typing import Final

import redis

from jobs.errors import NothingToPublish, SnapshotListed
from jobs.job import Job, Stages
from jobs.snapshot.build import build
from jobs.snapshot.facts import SnapshotFacts
from jobs.snapshot.publish import checksum_of, publish
from jobs.watermark import ReadBounds, complete_before
from stores.files.manifest import Manifest
from stores.files.store import OfflineStore, open_store
from stores.postgres.connection import Connection
from stores.postgres.loads import (
    LoadRow,
    NewLoad,
    loads_of,
    lock_loads,
    mark_published,
    mark_withdrawn,
    register_load,
)
from stores.redis.connection import connect_redis
from stores.redis.errors import LoadTooOld
from stores.redis.publish import Published, read_published
from stores.redis.values import Load

_CHANGED: Final = """
SELECT EXISTS (SELECT FROM orders
               WHERE event_at < %(cutoff)s
                 AND ontem_recorded_key(generation, recorded_xid) >= %(watermark)s)
    OR EXISTS (SELECT FROM chargeback_events
               WHERE event_at < %(cutoff)s AND recorded_key >= %(watermark)s)
"""


@dataclass(frozen=True, slots=True)
class Night:
    """What a run came to: the load, how many of its entities were written, and the seconds."""

    load: LoadRow
    written: int = 0
    was_published: bool = False
    seconds: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rooms:
    """The stores that one run has open."""

    connection: Connection
    client: "redis.Redis"
    store: OfflineStore


def snapshot(job: Job, as_of: date) -> Night:
    """Build, commit and publish the snapshot as of a day.

    Running it again after it was killed finishes the same load, unless the orders it was made from
    have changed: then it makes a new one, and the unfinished one is withdrawn for good. A snapshot
    that is published already is left alone.

    Raises DayNotOver, StillWriting, LoaderRunning, SnapshotListed, LoadTooOld and what publishing
    raises; what is published stays as it was.
    """
    timelines = job.feature_set.timelines_id
    client = connect_redis(job.settings.redis_url)
    store = open_store(job.settings.storage_url)
    with client, job.connect() as connection:
        lock_loads(connection, timelines)
        rooms = Rooms(connection, client, store)
        before = read_published(client, timelines)
        found = _unfinished_or_listed(connection, timelines, as_of)
        if found and found.load_id in before.ids:
            return _already(rooms, found)
        _check_day(as_of, before)
        read_bounds = complete_before(connection, as_of, job.calendar, say=job.say)
        if found and _changed(connection, found):
            mark_withdrawn(connection, found.load_id)
            found = None
        stages = Stages(job.say)
        load = found or _new_load(job, rooms, read_bounds, as_of, stages)
        written, more = publish(job, store, connection, client, load)
        return Night(load, written, seconds=stages.seconds | more.seconds)


def publish_again(job: Job, as_of: date | None = None) -> Night:
    """Publish the newest committed snapshot (of a day) again, as after Redis lost its data.

    Raises NothingToPublish, LoaderRunning and what publishing raises.
    """
    timelines = job.feature_set.timelines_id
    client = connect_redis(job.settings.redis_url)
    store = open_store(job.settings.storage_url)
    with client, job.connect() as connection:
        lock_loads(connection, timelines)
        ids = read_published(client, timelines).ids
        fits = [
            row
            for row in loads_of(connection, timelines)
            if as_of in (None, row.as_of) and not row.withdrawn_at
        ]
        if not fits:
            raise NothingToPublish(timelines=timelines, as_of=as_of)
        if fits[-1].load_id in ids:
            return _already(Rooms(connection, client, store), fits[-1])
        written, stages = publish(job, store, connection, client, fits[-1])
        return Night(fits[-1], written, seconds=stages.seconds)


def _unfinished_or_listed(connection: Connection, timelines: str, as_of: date) -> LoadRow | None:
    """The newest load of a day that was not withdrawn."""
    rows = loads_of(connection, timelines)
    return next(
        (row for row in reversed(rows) if row.as_of == as_of and not row.withdrawn_at), None
    )


def _already(rooms: Rooms, found: LoadRow) -> Night:
    if _changed(rooms.connection, found):
        raise SnapshotListed(as_of=found.as_of, load_id=found.load_id)
    mark_published(rooms.connection, found.load_id)
    return Night(found, was_published=True)


def _changed(connection: Connection, found: LoadRow) -> bool:
    """Whether rows came since that belong to the load: an import brings such."""
    (row,) = connection.execute(
        _CHANGED, {"cutoff": found.cutoff, "watermark": found.watermark_key}
    ).fetchall()
    return bool(row[0])


def _check_day(as_of: date, before: Published) -> None:
    """Refuse a day that can't follow what is published, before an hour is spent on it."""
    newest = before.newest
    if newest and as_of.toordinal() <= newest.as_of:
        wanted = Load(newest.load_id + 1, as_of.toordinal(), 0, 0, "", "")
        raise LoadTooOld(load=wanted, newest=newest)


def _new_load(
    job: Job, rooms: Rooms, read_bounds: ReadBounds, as_of: date, stages: Stages
) -> LoadRow:
    """Build and commit a snapshot, then give it its load id."""
    with ExitStack() as stack:
        with stages.stage("start Spark"):
            spark = stack.enter_context(job.spark("ontem snapshot"))
        with stages.stage("build the snapshot"):
            key, manifest = build(job, spark, rooms.connection, rooms.store, read_bounds, as_of)
    return register_load(rooms.connection, _as_new(key, manifest))


def _as_new(key: str, manifest: Manifest[SnapshotFacts]) -> NewLoad:
    facts = manifest.facts
    return NewLoad(
        as_of=facts.as_of,
        cutoff=facts.cutoff,
        watermark=facts.watermark,
        generation=facts.generation,
        timelines=facts.timelines,
        revision=key,
        entities=manifest.rows,
        checksum=checksum_of(manifest.files),
    )
