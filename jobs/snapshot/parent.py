"""What a night goes on from: the newest published snapshot of an earlier day, if it is usable."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Final

import msgspec
import pyarrow.parquet as pq

from jobs.job import Job
from jobs.snapshot.chain import UNREADABLE, Link, chain_of, files_of
from jobs.snapshot.commit import SnapshotSource
from jobs.snapshot.errors import FullBuildNeeded, SnapshotDamaged
from jobs.snapshot.facts import SnapshotFacts
from jobs.snapshot.stores import OpenStores
from jobs.snapshot.table import snapshots_table
from jobs.snapshot.withdraw import loads_of_namespace
from stores.offline.damage import damage_is
from stores.offline.revisions import TaggedRevision, read_revision, tagged_revisions
from stores.offline.runs import library_versions, run_folder, verify_files
from stores.offline.tables import OfflineStore, existing_table
from stores.postgres.loads import LoadRow
from stores.postgres.recorded_key import recorded_key

MOST_LINKS: Final = 30
"""A chain of so many is merged into a full snapshot: each part of a night reads a file of each."""
MOST_DELTA_SHARE: Final = 0.1
"""So is one whose deltas have a greater share of the full one's rows than this, unless few."""
FEW_ROWS: Final = 10_000


def parent_chain(
    job: Job, stores: OpenStores, source: SnapshotSource, listed: Collection[int]
) -> tuple[Link, ...]:
    """The chain that a delta of `source` stands on, newest first.

    It is that of the newest load of an earlier day that is published: PostgreSQL says so, or it is
    `listed` in Redis. Raises FullBuildNeeded where there is none, or none that can be gone on from.
    """
    loads = loads_of_namespace(stores.connection, job.namespace)
    load = _newest_load(loads, source.as_of, listed)
    if load is None:
        raise FullBuildNeeded(reason="no snapshot of an earlier day is published")
    try:
        chain = chain_of(
            stores.offline, read_revision(stores.offline, load.revision, SnapshotFacts)
        )
        _check_files(job, stores.offline, chain)
        if _was_one_withdrawn(loads, load):
            verify_files(stores.offline.files, files_of(chain))
    except UNREADABLE as error:
        reason = f"the snapshot of {load.as_of} can't be used ({error.problem})"
        raise FullBuildNeeded(reason=reason) from None
    _check_origin(chain[0], source)
    _check_days_between(stores.offline, chain[0], source.as_of)
    return chain


def must_be_merged(chain: tuple[Link, ...]) -> bool:
    """Whether the next snapshot is to have all rows of the chain, so that it stands alone."""
    *deltas, full = chain
    rows = sum(link.rows for link in deltas)
    return len(chain) >= MOST_LINKS or rows > max(MOST_DELTA_SHARE * full.rows, FEW_ROWS)


def _newest_load(loads: Sequence[LoadRow], as_of: date, listed: Collection[int]) -> LoadRow | None:
    published = [
        load
        for load in loads
        if load.as_of < as_of
        and not load.withdrawn_at
        and (load.published_at or load.load_id in listed)
    ]
    return published[-1] if published else None


def _was_one_withdrawn(loads: Sequence[LoadRow], parent: LoadRow) -> bool:
    """Whether a later load was withdrawn or given up, maybe because a file here is damaged.

    A night reads some columns alone, and might stand on such a file again.
    """
    return any(load.withdrawn_at and load.load_id > parent.load_id for load in loads)


def _check_files(job: Job, store: OfflineStore, chain: tuple[Link, ...]) -> None:
    """Raises SnapshotDamaged unless all files of the chain are there, of their size and columns."""
    sizes = {
        found.key: found.bytes
        for link in chain
        if link.files
        for found in store.files.find(run_folder(link.slot.dataset, link.run))
    }
    for file in files_of(chain):
        if sizes.get(file.key) != file.bytes:
            state = "is cut short" if file.key in sizes else "is not there"
            raise SnapshotDamaged(key=chain[0].name, reason=f"{file.key} {state}")
    names = snapshots_table(job.feature_set).columns.names
    for link in chain:
        for file in link.files[:1]:
            damaged = SnapshotDamaged(key=file.key, reason="it is not what was committed")
            with store.files.open(file.key) as opened, damage_is(damaged):
                found_names = pq.ParquetFile(opened).schema_arrow.names
            if found_names != names:
                raise SnapshotDamaged(key=file.key, reason="it has other columns")


def _check_origin(parent: Link, source: SnapshotSource) -> None:
    """Raises FullBuildNeeded unless the parent has rows of these extractions and libraries."""
    day = parent.facts.as_of
    if parent.facts.series != source.extracted.series:
        raise FullBuildNeeded(reason=f"all was extracted anew after the snapshot of {day}")
    before, now = dict(parent.provenance.libraries), library_versions()
    changed = sorted(name for name in before | now if before.get(name) != now.get(name))
    if changed:
        reason = f"the snapshot of {day} was made with other versions of {', '.join(changed)}"
        raise FullBuildNeeded(reason=reason)


def _check_days_between(store: OfflineStore, parent: Link, as_of: date) -> None:
    """Raises FullBuildNeeded where the table has an older state of a day after the parent's.

    Whoever reads the newest row of each entity up to a day would find rows that lack events which
    the parent has: after it was corrected, and days after it were not.
    """
    facts = parent.facts
    least = recorded_key(facts.generation, facts.watermark)
    for each in tagged_revisions(existing_table(store, parent.slot.table)):
        day = date.fromisoformat(each.slot.partition)
        if facts.as_of < day < as_of and _watermark_key(each) < least:
            reason = f"the snapshot of {day} is older than that of {facts.as_of}"
            raise FullBuildNeeded(reason=reason)


def _watermark_key(revision: TaggedRevision) -> int:
    try:
        facts = msgspec.json.decode(revision.facts, type=SnapshotFacts)
    except msgspec.DecodeError:
        return 0
    return recorded_key(facts.generation, facts.watermark)
