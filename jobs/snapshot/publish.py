"""From a committed snapshot to a load that requests can see."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

from features_pkg.calendar import to_us
from jobs.job import Job, StageTimer
from jobs.snapshot.chain import Link, chain_of, entities_of, files_of
from jobs.snapshot.errors import NoOrders, SnapshotDamaged, SnapshotShrunk
from jobs.snapshot.facts import SnapshotFacts
from jobs.snapshot.rows import check_rows, read_pieces
from jobs.snapshot.stores import OpenStores
from stores.offline.errors import FileDamaged, RevisionMissing, RevisionUnreadable
from stores.offline.files import Files
from stores.offline.revisions import read_revision
from stores.offline.runs import DataFile, verify_files
from stores.postgres.loads import LoadRow, mark_published, mark_withdrawn
from stores.redis.connection import redis_address
from stores.redis.errors import LoadFenced
from stores.redis.fence import Fence, take_fence, take_over_fence
from stores.redis.keys import GROUPS
from stores.redis.load_list import Load, LoadList
from stores.redis.memory import bytes_needed, check_room
from stores.redis.publish import (
    BucketWriter,
    check_newer,
    choose_buckets,
    delete_buckets,
    set_list,
)
from stores.redis.published import Published, read_copies


def checksum_of(files: tuple[DataFile, ...]) -> str:
    """One checksum over all files of a snapshot; their order does not matter."""
    digests = "".join(sorted(file.sha256 for file in files))
    return hashlib.sha256(digests.encode()).hexdigest()[:32]


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
        chain, row_bytes = _checked_snapshot(job, stores, row, load_list)
        needed = bytes_needed(load, row_bytes, load_list)
        check_room(stores.client, redis_address(job.settings.redis_url), needed)
    fence = _take_fence(job, stores, row, published)
    published = prepare_layout(job, stores, fence, load, published)
    writer = BucketWriter(
        stores.client, job.namespace, fence, load=load, load_list=published.load_list
    )
    with timer.stage("write to Redis"), _given_up_when_damaged(job, stores, row):
        links = [link.files for link in chain]
        places = GROUPS * load.buckets
        counts = writer.write(read_pieces(stores.offline.files, links, load.buckets, 0, places))
    if counts.mended_buckets:
        job.say(
            f"  {counts.mended_buckets:,} buckets in Redis were damaged or lost: they are whole "
            f"again from load {load.load_id} on, and missing to the loads before it"
        )
    set_list(stores.client, job.namespace, fence, published, published.load_list.with_load(load))
    mark_published(stores.connection, row.load_id)
    return counts.entities


def _take_fence(job: Job, stores: OpenStores, row: LoadRow, published: Published) -> Fence:
    """The fence for this run, which a newer load may have had if this one is published once more.

    Raises LoadFenced when a newer load has it, or when another run changed the list meanwhile.
    """
    if row.published_at is None and published.newest is not None:
        fence = Fence.fresh(row.load_id)
        take_fence(stores.client, job.namespace, fence)
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
    """
    load_list = published.load_list
    after = load_list.without_unused()
    for buckets in load_list.unused:
        if buckets != load.buckets:
            delete_buckets(stores.client, job.namespace, fence, buckets)
    if all(listed.buckets != load.buckets for listed in load_list.loads):
        after = after.with_unused(load.buckets)
    if after == load_list:
        return published
    return set_list(stores.client, job.namespace, fence, published, after)


def _checked_snapshot(
    job: Job, stores: OpenStores, row: LoadRow, load_list: LoadList
) -> tuple[tuple[Link, ...], int]:
    """The chain of the load's snapshot, and how many bytes its keys and timelines have."""
    with _given_up_when_damaged(job, stores, row):
        chain = chain_of(stores.offline, _read(stores, row))
        return chain, _check_snapshot(job, stores.offline.files, chain, row, load_list)


def _read(stores: OpenStores, row: LoadRow) -> Link:
    try:
        return read_revision(stores.offline, row.revision, SnapshotFacts)
    except RevisionMissing:
        remedy = (
            f"load {row.load_id} was made from it; run `ontem night --as-of {row.as_of}`, which "
            "gives the load up, and once more to build the day again"
        )
        raise RevisionMissing(name=row.revision, remedy=remedy) from None


@contextmanager
def _given_up_when_damaged(job: Job, stores: OpenStores, row: LoadRow) -> Iterator[None]:
    """Give the load up when its snapshot turns out to be bad.

    Files that are not there may be elsewhere, so that alone gives nothing up.
    """
    try:
        yield
    except (SnapshotDamaged, NoOrders, SnapshotShrunk, FileDamaged, RevisionUnreadable):
        give_up(job, stores, row)
        raise


def give_up(job: Job, stores: OpenStores, row: LoadRow) -> None:
    """Record that the load never gets published, so that its day can be built anew."""
    mark_withdrawn(stores.connection, row.load_id)
    job.say(
        f"  load {row.load_id} is given up: `ontem night --as-of {row.as_of}` builds another one"
    )


def _check_snapshot(
    job: Job,
    files: Files,
    chain: tuple[Link, ...],
    row: LoadRow,
    load_list: LoadList,
) -> int:
    """How many bytes the keys and timelines of all links have.

    A snapshot built with another secret is refused, and one that is damaged, empty or shrunken.
    """
    if chain[0].facts.entity_key_id != job.namespace.key_id:
        raise SnapshotDamaged(key=row.revision, reason="it was built with another ONTEM_ENTITY_KEY")
    described = files_of(chain)
    if entities_of(chain) != row.entities or checksum_of(described) != row.checksum:
        raise SnapshotDamaged(key=row.revision, reason="it changed after the load was registered")
    if not row.entities:
        raise NoOrders(as_of=row.as_of)
    newest = load_list.newest
    if newest and row.entities < newest.entities:
        raise SnapshotShrunk(
            as_of=row.as_of,
            entities=row.entities,
            before=newest.entities,
            before_as_of=row.as_of.fromordinal(newest.as_of),
        )
    verify_files(files, described)
    return sum(check_rows(files, file) for file in described)
