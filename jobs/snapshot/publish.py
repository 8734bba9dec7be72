"""From a committed snapshot to a load that requests can see."""

from dataclasses import replace

from features_pkg.calendar import to_us
from jobs.job import Job, StageTimer
from jobs.snapshot.checks import check_files, checked_chain, given_up_when_damaged
from jobs.snapshot.errors import SnapshotDamaged
from jobs.snapshot.range_writer import Storage, WriteRange
from jobs.snapshot.spread import parts_for, spread
from jobs.snapshot.stores import OpenStores
from jobs.snapshot.visits import Visit, visit_of
from stores.postgres.loads import LoadRow, mark_published
from stores.redis.bucket_writer import WriteCounts
from stores.redis.cluster import check_same_servers, server_runs
from stores.redis.connection import redis_address
from stores.redis.errors import LoadFenced
from stores.redis.fence import Fence, take_fence, take_over_fence
from stores.redis.load_list import Load, LoadList
from stores.redis.memory import bytes_needed, check_room
from stores.redis.publish import (
    check_newer,
    choose_buckets,
    delete_buckets,
    set_list,
)
from stores.redis.published import Published, copies_differ, read_copies
from stores.redis.ring import place_ranges


def list_entry(row: LoadRow, load_list: LoadList) -> Load:
    """The entry in the list of published loads for a row of the table `loads`."""
    return Load(
        load_id=row.load_id,
        as_of=row.as_of.toordinal(),
        cutoff_us=to_us(row.cutoff),
        entities=row.entities,
        checksum=row.checksum,
        buckets=choose_buckets(row.entities, load_list),
    )


def publish(
    job: Job, stores: OpenStores, row: LoadRow, published: Published, timer: StageTimer
) -> int:
    """Make a registered load visible to requests; how many entities were written.

    After a run that was killed this finishes the same load with the same bytes. The list of
    published loads is replaced only after the files were checked and Redis has confirmed all
    writes. A load whose snapshot does not pass the check is given up, so that the day's next
    snapshot is another load.

    Raises PublishRefused, OfflineError, SnapshotDamaged, NoOrders, SnapshotShrunk; the list stays
    as it was.
    """
    load_list = published.load_list
    if row.load_id in load_list.ids:
        mark_published(stores.connection, row.load_id)
        return 0
    load = list_entry(row, load_list)
    check_newer(load, load_list)
    with timer.stage("check the snapshot"):
        chain = checked_chain(job, stores, row, load_list)
        visit = visit_of(job, stores, chain, load, published)
        row_bytes = check_files(job, stores, row, visit.links)
        needed = bytes_needed(load, row_bytes, load_list)
        check_room(stores.client, redis_address(job.settings.redis_url), needed)
    servers = server_runs(stores.client)
    fence = _take_fence(job, stores, row, published, after=visit.after)
    published = prepare_layout(job, stores, fence, load, published)
    with timer.stage("write to Redis"), given_up_when_damaged(job, stores, row):
        counts = _write(job, visit, load, fence, published.load_list)
        if counts.damaged_buckets:
            job.say(
                f"  {counts.damaged_buckets:,} buckets in Redis are damaged or lost: "
                "all are gone through"
            )
            check_files(job, stores, row, chain[1:])
            again = _write(job, Visit(chain), load, fence, published.load_list)
            counts = replace(again, entities=counts.entities + again.entities)
    if counts.mended_buckets:
        job.say(
            f"  {counts.mended_buckets:,} buckets in Redis were damaged or lost: they are whole "
            f"again from load {load.load_id} on, and missing to the loads before it"
        )
    check_same_servers(stores.client, servers)
    set_list(stores.client, job.namespace, fence, published, published.load_list.with_load(load))
    mark_published(stores.connection, row.load_id)
    return counts.entities


def _write(job: Job, visit: Visit, load: Load, fence: Fence, load_list: LoadList) -> WriteCounts:
    """Write the buckets of a visit, and read them back.

    Raises PublishRefused, OfflineError, SnapshotDamaged.
    """
    work = WriteRange(
        redis_url=job.settings.redis_url,
        storage=Storage.of(job.settings),
        namespace=job.namespace,
        fence=fence,
        load=load,
        load_list=load_list,
        links=tuple(link.files for link in visit.links),
        is_whole=visit.is_whole,
    )
    ranges = place_ranges(load.buckets, parts_for(job, visit.rows))
    counts = sum(spread(job, work, ranges, visit.rows), WriteCounts())
    expected = load.entities if visit.is_whole else visit.rows
    if counts.rows != expected:
        reason = f"it has rows of {counts.rows:,} entities, not of {expected:,}"
        raise SnapshotDamaged(key=visit.links[0].name, reason=reason)
    return counts


def _take_fence(
    job: Job, stores: OpenStores, row: LoadRow, published: Published, after: int | None
) -> Fence:
    """The fence for this run, which a newer load may have had if this one is published once more.

    Raises LoadFenced when a newer load has it, or another than `after`, if that is given, or when
    another run changed the list meanwhile.
    """
    if after is not None or (row.published_at is None and published.newest is not None):
        fence = Fence.fresh(row.load_id)
        take_fence(stores.client, job.namespace, fence, after)
    else:
        fence = take_over_fence(stores.client, job.namespace, row.load_id)
    if read_copies(stores.client, job.namespace) != published.copies:
        raise LoadFenced(load_id=row.load_id)
    return fence


def prepare_layout(
    job: Job, stores: OpenStores, fence: Fence, load: Load, published: Published
) -> Published:
    """The list, once buckets that nobody reads are deleted, and before a load fills new ones.

    What a killed run leaves of new buckets is then known to the list, and the next run deletes it.
    Where copies differ, all become what they agree on: a load that only some show is written over.
    """
    load_list = published.load_list
    after = load_list.without_unused()
    for buckets in load_list.unused:
        if buckets != load.buckets:
            delete_buckets(stores.client, job.namespace, fence, buckets)
    if all(listed.buckets != load.buckets for listed in load_list.loads):
        after = after.with_unused(load.buckets)
    if after == load_list and not copies_differ(published, job.namespace):
        return published
    return set_list(stores.client, job.namespace, fence, published, after)
