"""From a committed snapshot to a load that requests can see."""

import hashlib
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import redis

from features_pkg.calendar import to_us
from features_pkg.entity_keys import KEY_BYTES
from jobs.errors import NoOrders, OtherEntityKey, SnapshotDamaged, SnapshotShrunk
from jobs.job import Job, Stages
from jobs.snapshot.facts import SnapshotFacts
from stores.files.manifest import DataFile, Manifest, read_manifest, verify_files
from stores.files.store import OfflineStore
from stores.postgres.connection import Connection
from stores.postgres.loads import LoadRow, mark_published
from stores.redis.connection import redis_address
from stores.redis.memory import bytes_needed, check_room
from stores.redis.publish import (
    Fence,
    Published,
    check_order,
    read_published,
    set_list,
    take_fence,
    write_versions,
)
from stores.redis.values import Load

ROWS_AT_ONCE = 20_000


def checksum_of(files: tuple[DataFile, ...]) -> str:
    """One checksum over all files of a snapshot, whatever their order."""
    digests = "".join(sorted(file.sha256 for file in files))
    return hashlib.sha256(digests.encode()).hexdigest()[:32]


def as_load(row: LoadRow) -> Load:
    """The entry of the list that a row of `loads` becomes."""
    return Load(
        load_id=row.load_id,
        as_of=row.as_of.toordinal(),
        cutoff_us=to_us(row.cutoff),
        entities=row.entities,
        checksum=row.checksum,
        revision=row.revision,
    )


def publish(
    job: Job,
    store: OfflineStore,
    connection: Connection,
    client: "redis.Redis",
    row: LoadRow,
) -> tuple[int, Stages]:
    """Make a registered load visible; how many entities were written, and how long it took.

    A run that was killed is finished by running it again: the same load, the same bytes. Before
    the list is replaced, all writes are confirmed and the files were proved whole.

    Raises PublishRefused, OfflineError, or one of the gate's errors; the list is as it was.
    """
    stages = Stages(job.say)
    before = read_published(client, row.timelines)
    if row.load_id in before.ids:
        mark_published(connection, row.load_id)
        return 0, stages
    load = as_load(row)
    check_order(load, before)
    with stages.stage("check the snapshot"):
        manifest = read_manifest(store, row.revision, SnapshotFacts)
        _check_gate(job, store, manifest, row, before)
        needed = bytes_needed(load, manifest.bytes, before)
        check_room(client, redis_address(job.settings.redis_url), needed)
    fence = Fence.fresh(row.load_id)
    take_fence(client, row.timelines, fence)
    with stages.stage("write to Redis"):
        rows = entities(store, manifest.files)
        written = write_versions(client, row.timelines, fence, rows, before.ids)
    set_list(client, row.timelines, fence, before, (*before.loads, load))
    mark_published(connection, row.load_id)
    return written, stages


def entities(store: OfflineStore, files: tuple[DataFile, ...]) -> Iterator[tuple[bytes, bytes]]:
    """(entity key, timeline) of every row of the files."""
    for file in files:
        with store.open(file.key) as source:
            batches = pq.ParquetFile(source).iter_batches(ROWS_AT_ONCE, columns=_COLUMNS)
            for batch in batches:
                keys, timelines = (batch.column(name).to_pylist() for name in _COLUMNS)
                yield from zip(keys, timelines, strict=True)


_COLUMNS = ["entity", "timeline"]


def _check_gate(
    job: Job,
    store: OfflineStore,
    manifest: Manifest[SnapshotFacts],
    row: LoadRow,
    before: Published,
) -> None:
    """Refuse what must not become visible: another secret's, damaged, empty or shrunken."""
    if manifest.facts.entity_key_id != job.entity_key_id:
        raise OtherEntityKey(revision=row.revision)
    if manifest.rows != row.entities or checksum_of(manifest.files) != row.checksum:
        raise SnapshotDamaged(key=row.revision, reason="it is not what the load was made of")
    if not manifest.rows:
        raise NoOrders(as_of=row.as_of)
    newest = before.newest
    if newest and row.entities < newest.entities:
        raise SnapshotShrunk(
            as_of=row.as_of,
            entities=row.entities,
            before=newest.entities,
            before_as_of=row.as_of.fromordinal(newest.as_of),
        )
    verify_files(store, manifest.files)
    for file in manifest.files:
        _check_rows(store, file)


def _check_rows(store: OfflineStore, file: DataFile) -> None:
    with store.open(file.key) as source:
        try:
            table = pq.read_table(source, columns=_COLUMNS)
        except (pa.ArrowInvalid, KeyError) as error:
            raise SnapshotDamaged(key=file.key, reason=str(error)) from None
    keys, timelines = (table[name] for name in _COLUMNS)
    if keys.null_count or timelines.null_count:
        raise SnapshotDamaged(key=file.key, reason="a row has a null")
    if table.num_rows and pc.min_max(pc.binary_length(keys)).as_py() != _WHOLE_KEYS:
        raise SnapshotDamaged(key=file.key, reason=f"a key is not of {KEY_BYTES} bytes")
    if pc.count_distinct(keys).as_py() != file.rows:
        raise SnapshotDamaged(key=file.key, reason="an entity is there twice or a row is missing")


_WHOLE_KEYS = {"min": KEY_BYTES, "max": KEY_BYTES}
