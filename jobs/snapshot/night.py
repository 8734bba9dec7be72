"""The night job: from orders in PostgreSQL to a load that requests can see."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from jobs.job import Job, StageTimer, one_spark
from jobs.snapshot.checks import give_up
from jobs.snapshot.errors import (
    NoOrders,
    NothingToPublish,
    SnapshotDamaged,
    SnapshotOutdated,
    SnapshotShrunk,
)
from jobs.snapshot.make import BuildRequest, make_snapshot, new_load
from jobs.snapshot.past_load import check_there, has_changed, stands_on_withdrawn
from jobs.snapshot.publish import publish
from jobs.snapshot.stores import OpenStores, open_stores
from jobs.snapshot.withdraw import finish_withdrawal, loads_of_namespace, withdrawals_to
from jobs.watermark import ReadBounds, wait_for_read_bounds
from stores.offline.errors import FileMissing, OfflineError, RevisionMissing
from stores.postgres.connection import Connection
from stores.postgres.idempotency_keys import forget_expired
from stores.postgres.loads import (
    LoadRow,
    mark_published,
    mark_withdrawn,
    register_load,
)
from stores.redis.connection import redis_address
from stores.redis.errors import ListDamaged, LoadTooOld
from stores.redis.load_list import MOST_LISTED, LoadList
from stores.redis.memory import check_room
from stores.redis.published import Published, read_copies


@dataclass(frozen=True, slots=True)
class SnapshotResult:
    """The load, how many of its entities were written to Redis, and the seconds of each stage."""

    load: LoadRow
    written: int = 0
    was_published: bool = False
    """Whether the load was published before, so that nothing was done."""
    seconds: Mapping[str, float] = field(default_factory=dict)


def snapshot(
    job: Job, as_of: date, timer: StageTimer | None = None, *, full: bool = False
) -> SnapshotResult:
    """Build, commit and publish the snapshot as of a day; with `full` of all events.

    After a run that was killed this finishes the same load, unless the orders it was built from
    have changed, or it stands on a load that was withdrawn since: then it builds a new one, and the
    unfinished one is withdrawn for good. If the snapshot is published already, nothing is done.
    Loads before it that Redis has lost are published first, because requests ask for the newest of
    them until the lag is over. Each night removes the idempotency keys whose time is over.

    Raises DayNotOver, StillWriting, LoaderRunning, SnapshotOutdated, LoadTooOld, NoOrders; before
    anything is built RedisIsReplica, RedisMayEvict and RedisFull; and what `publish` raises. The
    published loads stay as they were.
    """
    with one_spark(job) as job, open_stores(job, builds=True) as stores:
        forget_expired(stores.connection)
        published = finish_withdrawal(stores.connection, stores.client, job.namespace, job.say)
        load = _newest_load(job, stores, as_of)
        if load and load.load_id in published.ids:
            return _leave_published(job, stores, load, published)
        _check_day(as_of, published)
        read_bounds = wait_for_read_bounds(stores.connection, as_of, job.calendar, say=job.say)
        if load and (full or _must_be_made_again(stores, load)):
            mark_withdrawn(stores.connection, load.load_id)
            load = None
        timer = timer or StageTimer(job.say)
        older = [row for row in _loads_before(job, stores, load) if row.as_of < as_of]
        published = _publish_older(job, stores, older, published, timer)
        if load is None:
            _check_orders(stores.connection, as_of, read_bounds)
            check_room(stores.client, redis_address(job.settings.redis_url), 0)  # before the build
            request = BuildRequest(as_of, read_bounds, published.ids, is_full=full)
            load = _make_load(job, stores, request, timer)
        try:
            written = publish(job, stores, load, published, timer)
        except (FileMissing, RevisionMissing):  # the next run can build it where files are now
            give_up(job, stores, load)
            raise
        return SnapshotResult(load, written, seconds=timer.seconds)


def publish_again(job: Job, as_of: date | None = None) -> SnapshotResult:
    """Publish again what requests may ask for, oldest first, as after Redis lost its data.

    That is the newest snapshot (of a day) and, when no day is named, those before it that a list
    has. A list that is damaged in every copy is replaced. An older snapshot that does not pass the
    check is left out, and one that stands on a load that was withdrawn since is given up.

    Raises NothingToPublish, LoaderRunning, SnapshotOutdated and what `publish` raises.
    """
    with one_spark(job) as job, open_stores(job) as stores:
        published = _published_or_none(job, stores)
        newest = _newest_to_publish(job, stores, as_of, published)
        if newest is None:
            raise NothingToPublish(timelines=job.namespace.timelines, as_of=as_of)
        if newest.load_id in published.ids:
            return _leave_published(job, stores, newest, published)
        timer = StageTimer(job.say)
        if as_of is None:
            older = _loads_before(job, stores, newest)
            published = _publish_older(job, stores, older, published, timer)
        written = publish(job, stores, newest, published, timer)
        return SnapshotResult(newest, written, seconds=timer.seconds)


def _published_or_none(job: Job, stores: OpenStores) -> Published:
    """What is published, without withdrawn loads; nothing where no copy of the list is sound."""
    try:
        return finish_withdrawal(stores.connection, stores.client, job.namespace, job.say)
    except ListDamaged as damaged:
        job.say(f"  {damaged}")
        return Published(read_copies(stores.client, job.namespace), LoadList())


def _publish_older(
    job: Job,
    stores: OpenStores,
    loads: Sequence[LoadRow],
    published: Published,
    timer: StageTimer,
) -> Published:
    """Publish loads that Redis has lost, as far as they can follow what is published."""
    for load in loads:
        if published.newest is not None and load.load_id <= published.newest.load_id:
            continue
        try:
            publish(job, stores, load, published, timer)
        except (SnapshotDamaged, NoOrders, SnapshotShrunk, OfflineError) as error:
            job.say(f"  load {load.load_id} as of {load.as_of} stays unpublished: {error}")
        published = _published_or_none(job, stores)
    return published


def _newest_load(job: Job, stores: OpenStores, as_of: date | None) -> LoadRow | None:
    """The newest load (of a day) that was not withdrawn."""
    loads = [
        load
        for load in loads_of_namespace(stores.connection, job.namespace)
        if as_of in (None, load.as_of) and not load.withdrawn_at
    ]
    return loads[-1] if loads else None


def _newest_to_publish(
    job: Job, stores: OpenStores, as_of: date | None, published: Published
) -> LoadRow | None:
    """The newest load (of a day), once those that stand on a withdrawn one are given up."""
    while load := _newest_load(job, stores, as_of):
        is_listed = load.load_id in published.ids
        if is_listed or not stands_on_withdrawn(stores.connection, stores.offline, load):
            return load
        job.say(f"  load {load.load_id} stands on one that was withdrawn")
        give_up(job, stores, load)
    return None


def _loads_before(job: Job, stores: OpenStores, newest: LoadRow | None) -> list[LoadRow]:
    """The loads that were listed beside `newest` (None: beside the next one), oldest first."""
    loads = [
        load
        for load in loads_of_namespace(stores.connection, job.namespace)
        if load.published_at
        and not load.withdrawn_at
        and (newest is None or load.load_id < newest.load_id)
    ]
    return loads[1 - MOST_LISTED :]


def _leave_published(
    job: Job, stores: OpenStores, load: LoadRow, published: Published
) -> SnapshotResult:
    """Do nothing but note that the load is published. Raises SnapshotOutdated, SnapshotLost."""
    rows = loads_of_namespace(stores.connection, job.namespace)
    withdrawals = withdrawals_to(load, published, rows)
    if has_changed(stores.connection, load):
        raise SnapshotOutdated(as_of=load.as_of, load_id=load.load_id, withdrawals=withdrawals)
    mark_published(stores.connection, load.load_id)
    check_there(stores.offline, load, withdrawals)
    return SnapshotResult(load, was_published=True)


def _check_day(as_of: date, published: Published) -> None:
    """Refuse a day that is not after the published ones, before an hour is spent on it."""
    newest = published.newest
    if newest and as_of.toordinal() <= newest.as_of:
        raise LoadTooOld(load_id=None, as_of=as_of.toordinal(), newest=newest)


def _check_orders(connection: Connection, as_of: date, read_bounds: ReadBounds) -> None:
    """Refuse a past without any order before Spark reads it. Raises NoOrders."""
    query = "SELECT EXISTS (SELECT FROM orders WHERE event_at < %s)"
    (row,) = connection.execute(query, [read_bounds.cutoff]).fetchall()
    if not row[0]:
        raise NoOrders(as_of=as_of)


def _must_be_made_again(stores: OpenStores, load: LoadRow) -> bool:
    """Whether a load that was not finished has other events by now, or stands on a wrong one."""
    return has_changed(stores.connection, load) or stands_on_withdrawn(
        stores.connection, stores.offline, load
    )


def _make_load(job: Job, stores: OpenStores, request: BuildRequest, timer: StageTimer) -> LoadRow:
    """Commit a snapshot, and give it a load id."""
    made = make_snapshot(job, stores, request, timer)
    return register_load(stores.connection, new_load(stores, made))
