"""From a committed snapshot to a load that requests can see."""

import hashlib
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features_pkg.calendar import to_us
from features_pkg.entity_keys import KEY_BYTES
from jobs.job import Job, StageTimer
from jobs.snapshot.errors import NoOrders, OtherEntityKey, SnapshotDamaged, SnapshotShrunk
from jobs.snapshot.facts import SnapshotFacts
from jobs.snapshot.stores import OpenStores
from stores.files.manifest import DataFile, Manifest, read_manifest, verify_files
from stores.files.store import OfflineStore
from stores.postgres.loads import LoadRow, mark_published
from stores.redis.connection import redis_address
from stores.redis.memory import bytes_needed, check_room
from stores.redis.publish import Fence, check_order, set_list, take_fence, write_versions
from stores.redis.reader import Published, read_published
from stores.redis.values import Load

ROWS_AT_ONCE = 20_000
COLUMNS = ["entity", "timeline"]
KEY_LENGTHS = {"min": KEY_BYTES, "max": KEY_BYTES}


def checksum_of(files: tuple[DataFile, ...]) -> str:
    """One checksum over all files of a snapshot; their order does not matter."""
    digests = "".join(sorted(file.sha256 for file in files))
    return hashlib.sha256(digests.encode()).hexdigest()[:32]


def list_entry(row: LoadRow) -> Load:
    """The entry in the list of published loads for a row of the table `loads`."""
    return Load(
        load_id=row.load_id,
        as_of=row.as_of.toordinal(),
        cutoff_us=to_us(row.cutoff),
        entities=row.entities,
        checksum=row.checksum,
        revision=row.revision,
    )


def publish(job: Job, stores: OpenStores, row: LoadRow, timer: StageTimer) -> int:
    """Make a registered load visible to requests; how many entities were written.

    After a run that was killed this finishes the same load with the same bytes. The list of
    published loads is replaced only after the files were checked and Redis has confirmed all
    writes.

    Raises PublishRefused, OfflineError, OtherEntityKey, SnapshotDamaged, NoOrders, SnapshotShrunk;
    the list stays as it was.
    """
    client, offline = stores.client, stores.offline
    load_list = read_published(client, row.timelines)
    if row.load_id in load_list.ids:
        mark_published(stores.connection, row.load_id)
        return 0
    load = list_entry(row)
    check_order(load, load_list)
    with timer.stage("check the snapshot"):
        manifest = read_manifest(offline, row.revision, SnapshotFacts)
        _check_snapshot(job, offline, manifest, row, load_list)
        needed = bytes_needed(load, manifest.bytes, load_list)
        check_room(client, redis_address(job.settings.redis_url), needed)
    fence = Fence.fresh(row.load_id)
    take_fence(client, row.timelines, fence)
    with timer.stage("write to Redis"):
        entities = read_entities(offline, manifest.files)
        written = write_versions(client, row.timelines, fence, entities, load_list.ids)
    set_list(client, row.timelines, fence, load_list, (*load_list.loads, load))
    mark_published(stores.connection, row.load_id)
    return written


def read_entities(
    offline: OfflineStore, files: tuple[DataFile, ...]
) -> Iterator[tuple[bytes, bytes]]:
    """(entity key, timeline) of every row of the files."""
    for file in files:
        with offline.open(file.key) as source:
            batches = pq.ParquetFile(source).iter_batches(ROWS_AT_ONCE, columns=COLUMNS)
            for batch in batches:
                keys, timelines = (batch.column(name).to_pylist() for name in COLUMNS)
                yield from zip(keys, timelines, strict=True)


def _check_snapshot(
    job: Job,
    offline: OfflineStore,
    manifest: Manifest[SnapshotFacts],
    row: LoadRow,
    load_list: Published,
) -> None:
    """Refuse a snapshot built with another secret, and one that is damaged, empty or shrunken."""
    if manifest.facts.entity_key_id != job.entity_key_id:
        raise OtherEntityKey(revision=row.revision)
    if manifest.rows != row.entities or checksum_of(manifest.files) != row.checksum:
        raise SnapshotDamaged(key=row.revision, reason="it changed after the load was registered")
    if not manifest.rows:
        raise NoOrders(as_of=row.as_of)
    newest = load_list.newest
    if newest and row.entities < newest.entities:
        raise SnapshotShrunk(
            as_of=row.as_of,
            entities=row.entities,
            before=newest.entities,
            before_as_of=row.as_of.fromordinal(newest.as_of),
        )
    verify_files(offline, manifest.files)
    for file in manifest.files:
        _check_rows(offline, file)


def _check_rows(offline: OfflineStore, file: DataFile) -> None:
    with offline.open(file.key) as source:
        try:
            table = pq.read_table(source, columns=COLUMNS)
        except (pa.ArrowInvalid, KeyError) as error:
            raise SnapshotDamaged(key=file.key, reason=str(error)) from None
    keys, timelines = (table[name] for name in COLUMNS)
    if keys.null_count or timelines.null_count:
        raise SnapshotDamaged(key=file.key, reason="a row has a null")
    if table.num_rows and pc.min_max(pc.binary_length(keys)).as_py() != KEY_LENGTHS:
        raise SnapshotDamaged(key=file.key, reason=f"a key does not have {KEY_BYTES} bytes")
    if pc.count_distinct(keys).as_py() != file.rows:
        raise SnapshotDamaged(key=file.key, reason="an entity appears twice or a row is missing")
