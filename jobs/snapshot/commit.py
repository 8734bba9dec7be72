"""What a snapshot is made of, and how its files become a revision of its day."""

from dataclasses import dataclass
from datetime import date
from functools import partial

from jobs.extract.facts import Extractions
from jobs.job import Job
from jobs.snapshot.activity import Activity
from jobs.snapshot.facts import Parent, SnapshotFacts, snapshot_slot
from jobs.snapshot.stores import OpenStores
from jobs.snapshot.table import snapshots_table
from jobs.watermark import ReadBounds
from stores.offline.commit import commit_run
from stores.offline.revisions import Revision
from stores.offline.runs import DataFile, Run, provenance
from stores.postgres.clock import database_clock
from stores.postgres.loads import check_lock


@dataclass(frozen=True, slots=True)
class SnapshotSource:
    """All events of `extracted` within `read_bounds`, which end where the day `as_of` begins.

    `extracted` has all that was recorded below the watermark.
    """

    as_of: date
    read_bounds: ReadBounds
    extracted: Extractions


def commit_snapshot(
    job: Job,
    stores: OpenStores,
    source: SnapshotSource,
    *,
    run: str,
    files: tuple[DataFile, ...],
    parent: Parent | None = None,
    newcomers: int = 0,
    activity: Activity,
) -> Revision[SnapshotFacts]:
    """Commit the files of a run as the next revision of the day.

    `parent`, `newcomers` and `activity` are those of `SnapshotFacts`. A run that has lost the lock
    of the stores commits nothing. Raises psycopg.OperationalError, and what `commit_run` raises.
    """
    features = job.feature_set
    facts = SnapshotFacts(
        as_of=source.as_of,
        cutoff=source.read_bounds.cutoff,
        watermark=source.read_bounds.watermark,
        generation=source.read_bounds.generation,
        timelines=features.timelines_id,
        feature_set=features.version,
        timezone=features.timezone,
        entity_key_id=job.namespace.key_id,
        series=source.extracted.series,
        parent=parent,
        newcomers=newcomers,
        activity=activity,
    )
    written = Run(
        slot=snapshot_slot(features.timelines_id, source.as_of),
        id=run,
        files=files,
        facts=facts,
        provenance=provenance(at=database_clock(stores.connection), by="ontem night"),
    )
    check = partial(check_lock, stores.connection)
    return commit_run(stores.offline, snapshots_table(features), written, check=check)
