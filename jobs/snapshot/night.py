"""The night job: from orders in PostgreSQL to a load that requests can see."""

from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date

from features_pkg.queries import with_parameters
from jobs.job import Job, StageTimer
from jobs.snapshot.build import build_snapshot
from jobs.snapshot.errors import NothingToPublish, SnapshotOutdated
from jobs.snapshot.facts import SnapshotFacts
from jobs.snapshot.publish import checksum_of, publish
from jobs.snapshot.stores import OpenStores, open_stores
from jobs.watermark import ReadBounds, wait_for_read_bounds
from stores.files.manifest import Manifest
from stores.postgres.connection import Connection
from stores.postgres.loads import (
    LoadRow,
    NewLoad,
    loads_of,
    mark_published,
    mark_withdrawn,
    register_load,
)
from stores.redis.errors import LoadTooOld
from stores.redis.reader import Published, read_published
from stores.redis.values import Load


@dataclass(frozen=True, slots=True)
class SnapshotResult:
    """The load, how many of its entities were written to Redis, and the seconds of each stage."""

    load: LoadRow
    written: int = 0
    was_published: bool = False
    """Whether the load was published before, so that nothing was done."""
    seconds: dict[str, float] = field(default_factory=dict)


def snapshot(job: Job, as_of: date) -> SnapshotResult:
    """Build, commit and publish the snapshot as of a day.

    After a run that was killed this finishes the same load, unless the orders it was built from
    have changed: then it builds a new one, and the unfinished one is withdrawn for good. If the
    snapshot is published already, nothing is done.

    Raises DayNotOver, StillWriting, LoaderRunning, SnapshotOutdated, LoadTooOld and what `publish`
    raises; the published loads stay as they were.
    """
    timelines = job.feature_set.timelines_id
    with open_stores(job) as stores:
        load_list = read_published(stores.client, timelines)
        load = _newest_load(stores.connection, timelines, as_of)
        if load and load.load_id in load_list.ids:
            return _leave_published(stores.connection, load)
        _check_day(as_of, load_list)
        read_bounds = wait_for_read_bounds(stores.connection, as_of, job.calendar, say=job.say)
        if load and _has_changed(stores.connection, load):
            mark_withdrawn(stores.connection, load.load_id)
            load = None
        timer = StageTimer(job.say)
        if load is None:
            load = _build_load(job, stores, read_bounds, as_of, timer)
        written = publish(job, stores, load, timer)
        return SnapshotResult(load, written, seconds=timer.seconds)


def publish_again(job: Job, as_of: date | None = None) -> SnapshotResult:
    """Publish the newest committed snapshot (of a day) again, as after Redis lost its data.

    Raises NothingToPublish, LoaderRunning, SnapshotOutdated and what `publish` raises.
    """
    timelines = job.feature_set.timelines_id
    with open_stores(job) as stores:
        load = _newest_load(stores.connection, timelines, as_of)
        if load is None:
            raise NothingToPublish(timelines=timelines, as_of=as_of)
        if load.load_id in read_published(stores.client, timelines).ids:
            return _leave_published(stores.connection, load)
        timer = StageTimer(job.say)
        written = publish(job, stores, load, timer)
        return SnapshotResult(load, written, seconds=timer.seconds)


def _newest_load(connection: Connection, timelines: str, as_of: date | None) -> LoadRow | None:
    """The newest load (of a day) that was not withdrawn."""
    loads = [
        load
        for load in loads_of(connection, timelines)
        if as_of in (None, load.as_of) and not load.withdrawn_at
    ]
    return loads[-1] if loads else None


def _leave_published(connection: Connection, load: LoadRow) -> SnapshotResult:
    """Do nothing but note that the load is published. Raises SnapshotOutdated."""
    if _has_changed(connection, load):
        raise SnapshotOutdated(as_of=load.as_of, load_id=load.load_id)
    mark_published(connection, load.load_id)
    return SnapshotResult(load, was_published=True)


def _has_changed(connection: Connection, load: LoadRow) -> bool:
    """Whether rows that belong to the load were stored since, as an import does."""
    values = {"cutoff": load.cutoff, "watermark_key": load.watermark_key}
    query, parameters = with_parameters("recorded_since", values)
    (row,) = connection.execute(query.encode(), parameters).fetchall()
    return bool(row[0])


def _check_day(as_of: date, load_list: Published) -> None:
    """Refuse a day that is not after the published ones, before an hour is spent on it."""
    newest = load_list.newest
    if newest and as_of.toordinal() <= newest.as_of:
        next_load = Load(newest.load_id + 1, as_of.toordinal(), 0, 0, "", "")
        raise LoadTooOld(load=next_load, newest=newest)


def _build_load(
    job: Job, stores: OpenStores, read_bounds: ReadBounds, as_of: date, timer: StageTimer
) -> LoadRow:
    """Build and commit a snapshot, and give it a load id."""
    with ExitStack() as stack:
        with timer.stage("start Spark"):
            spark = stack.enter_context(job.spark("ontem snapshot"))
        with timer.stage("build the snapshot"):
            key, manifest = build_snapshot(job, spark, stores, read_bounds, as_of)
    return register_load(stores.connection, _new_load(key, manifest))


def _new_load(key: str, manifest: Manifest[SnapshotFacts]) -> NewLoad:
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
