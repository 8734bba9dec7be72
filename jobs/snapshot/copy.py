"""A night without a new event: the rows of an earlier snapshot, with another day.

A timeline depends on the events that it counts and on nothing else, so a day on which nothing
happened has the timelines of the day before. Its rows are written anew all the same, without Spark:
each row has its day as a column, and readers take it from the file.
"""

import hashlib
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import partial
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from jobs.job import Job
from jobs.snapshot.commit import SnapshotSource, commit_snapshot
from jobs.snapshot.errors import ColumnsChanged
from jobs.snapshot.facts import DATASET, PARTITION, SnapshotFacts
from jobs.snapshot.new_events import have_the_same_events
from jobs.snapshot.stores import OpenStores
from jobs.snapshot.table import snapshots_table
from jobs.snapshot.withdraw import loads_of_namespace
from jobs.watermark import ReadBounds
from stores.offline.errors import FileDamaged, FileMissing, RevisionMissing, RevisionUnreadable
from stores.offline.files import Files
from stores.offline.revisions import Revision, read_revision
from stores.offline.runs import DataFile, library_versions, run_folder

_MOST_THREADS: Final = 8
_COMPRESSION_LEVEL: Final = 3


def snapshot_to_copy(
    job: Job, stores: OpenStores, source: SnapshotSource
) -> Revision[SnapshotFacts] | None:
    """The newest published snapshot up to that day, if it has the rows of the day; else None.

    It has them if it was built with the same libraries, of the same series of extractions, and no
    event is counted on one of the two days alone.

    Raises EventsDamaged, FileMissing.
    """
    original = _newest_published(job, stores, source.as_of)
    if (
        original is None
        or original.facts.series != source.extracted.series
        or original.provenance.libraries != library_versions()
    ):
        return None
    facts = original.facts
    before = ReadBounds(facts.cutoff, facts.watermark, facts.generation)
    files, extracted = stores.offline.files, source.extracted
    is_same = have_the_same_events(files, extracted, before, source.read_bounds)
    return original if is_same else None


def copy_snapshot(
    job: Job, stores: OpenStores, source: SnapshotSource, original: Revision[SnapshotFacts]
) -> Revision[SnapshotFacts]:
    """Commit the rows of the original as those of another day; a few files are in memory at a time.

    Raises FileMissing or FileDamaged unless each file is as it was committed, ColumnsChanged unless
    each has the columns that the table has by now, and what `commit_run` raises.
    """
    files, run = stores.offline.files, uuid.uuid4().hex
    names = snapshots_table(job.feature_set).columns.names
    copy = partial(_copy, files, run_folder(DATASET, run), source.as_of, names)
    with ThreadPoolExecutor(min(job.cores, _MOST_THREADS)) as pool:
        copies = tuple(pool.map(copy, original.files))
    files.make_durable(run_folder(DATASET, run))
    return commit_snapshot(job, stores, source, run=run, files=copies, copied_from=original.name)


def _newest_published(job: Job, stores: OpenStores, as_of: date) -> Revision[SnapshotFacts] | None:
    """The snapshot of the newest load up to a day that was published and never withdrawn."""
    loads = [
        load
        for load in loads_of_namespace(stores.connection, job.namespace)
        if load.as_of <= as_of and load.published_at and not load.withdrawn_at
    ]
    if not loads:
        return None
    try:
        return read_revision(stores.offline, loads[-1].revision, SnapshotFacts)
    except (RevisionMissing, RevisionUnreadable, FileMissing, FileDamaged):
        return None  # there are the events to build another one of


def _copy(
    files: Files, folder: str, as_of: date, names: Sequence[str], original: DataFile
) -> DataFile:
    """Write the rows of a file, in their order, with another day; the new file.

    Raises ColumnsChanged unless its columns are these.
    """
    content = files.read(original.key)
    found = hashlib.sha256(content).hexdigest()
    if found != original.sha256:
        raise FileDamaged(key=original.key, expected=original.sha256, found=found)
    rows = pq.ParquetFile(pa.BufferReader(content))
    if rows.schema_arrow.names != names:
        raise ColumnsChanged(key=original.key)
    copied = _with_day(rows, as_of)
    key = f"{folder}/{original.key.rpartition('/')[2]}"
    files.write(key, copied)
    sha256 = hashlib.sha256(copied).hexdigest()
    return DataFile(key=key, rows=original.rows, bytes=len(copied), sha256=sha256)


def _with_day(rows: pq.ParquetFile, as_of: date) -> bytes:
    """The bytes of a Parquet file with the same rows, of another day."""
    schema = rows.schema_arrow.remove_metadata()
    position = schema.get_field_index(PARTITION)
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(
        sink,
        schema,
        compression="zstd",
        compression_level=_COMPRESSION_LEVEL,
        write_page_checksum=True,
    ) as writer:
        for number in range(rows.num_row_groups):
            group = rows.read_row_group(number)
            days = pa.repeat(pa.scalar(as_of, schema.field(position).type), group.num_rows)
            writer.write_table(group.set_column(position, schema.field(position), days))
    return bytes(sink.getvalue())
