"""An offline store to be cleaned, with revisions of a few numbers in it."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from features_pkg.models.manifest import encode_manifest
from jobs.extract.facts import DATASET as EVENTS
from jobs.job import StageTimer
from jobs.snapshot.facts import Parent
from jobs.store.clean import Cleaning, clean
from jobs.store.plan import CleanPlan, Cutoffs
from jobs.training_set.facts import DATASET as TRAINING_SETS
from stores.offline.commit import commit_run
from stores.offline.revisions import Revision, read_revision, tagged_revisions
from stores.offline.runs import Run, Slot, describe_files, provenance, run_folder
from stores.offline.table_definition import TableDefinition
from stores.offline.tables import OfflineStore, find_table, open_store
from stores.postgres.connection import Connection
from stores.postgres.loads import LoadRow, NewLoad, mark_published, register_load
from stores.postgres.sessions import open_session
from tests.e2e.a_model import a_manifest
from tests.integration.history import a_job
from tests.integration.offline_runs import Place

MADE_AT = datetime(2018, 6, 1, tzinfo=UTC)
KEYS = pa.schema([("as_of", pa.date32()), ("entity", pa.binary())])
DEFINITIONS = {
    "snapshots": TableDefinition(KEYS, "A test's.", partition="as_of"),
    TRAINING_SETS: TableDefinition(KEYS, "A test's."),
    EVENTS: TableDefinition(KEYS, "A test's."),
}
TIMELINES = "0123456789ab"
FOREVER = timedelta(days=36_500)


@dataclass(frozen=True, slots=True)
class Facts:
    from_key: int | None = None
    parent: Parent | None = None


@dataclass
class CleaningShop:
    """A store, its database, and what is said while it is cleaned."""

    place: Place
    store: OfflineStore
    connection: Connection
    folder: Path
    said: list[str] = field(default_factory=list)
    runs: Iterator[int] = field(default_factory=itertools.count)
    least_files: int = 50

    @property
    def cleaning(self) -> Cleaning:
        job = a_job(self.place.postgres_url, "redis://127.0.0.1:1", self.place.storage_url)
        job = replace(job, say=self.said.append)
        return Cleaning(job, self.connection, self.store, self.least_files)

    def clean(
        self, *, expire: datetime | timedelta | None = None, dry_run: bool = False
    ) -> CleanPlan:
        """Clean as if it were long after; `expire` is the instant before which revisions go."""
        later = datetime.now(UTC) + FOREVER
        before = later if isinstance(expire, timedelta) else expire
        cutoffs = Cutoffs(expire_before=before, remove_before=later)
        return clean(self.cleaning, cutoffs, StageTimer(self.said.append), dry_run=dry_run)

    def write(self, slot: Slot, entities: list[bytes], facts: Facts | None = None) -> Run[Facts]:
        """A run that is written and not committed."""
        run = f"run{next(self.runs)}"
        folder = run_folder(slot.dataset, run)
        day = date.fromisoformat(slot.partition) if slot.partition else date(2018, 6, 1)
        sink = pa.BufferOutputStream()
        pq.write_table(pa.table([[day] * len(entities), entities], schema=KEYS), sink)
        self.store.files.write(f"{folder}/part-0.parquet", sink.getvalue().to_pybytes())
        return Run(
            slot=slot,
            id=run,
            files=describe_files(self.store.files, folder),
            facts=facts or Facts(),
            provenance=provenance(at=MADE_AT, by="test"),
        )

    def commit(self, slot: Slot, *entities: bytes, facts: Facts | None = None) -> Revision[Facts]:
        adds = facts is not None and facts.from_key is not None
        run = self.write(slot, list(entities) or [b"somebody"], facts)
        return commit_run(self.store, DEFINITIONS[slot.dataset], run, adds=adds)

    def load(self, revision: Revision[Facts], *, published: bool = True) -> LoadRow:
        load = register_load(
            self.connection,
            NewLoad(
                as_of=date.fromisoformat(revision.slot.partition),
                cutoff=MADE_AT,
                watermark=1,
                generation=1,
                timelines=TIMELINES,
                entity_key_id="k",
                revision=revision.name,
                snapshot_id=revision.snapshot_id,
                metadata_location=revision.metadata_location,
                entities=revision.rows,
                checksum="",
            ),
        )
        if published:
            mark_published(self.connection, load.load_id)
        return load

    def model(self, name: str, **changes: object) -> None:
        """A trained model, as far as its manifest goes."""
        manifest = replace(a_manifest(self.cleaning.job.feature_set), **changes)  # type: ignore[arg-type]
        self.store.files.write(f"models/{name}/manifest.json", encode_manifest(manifest))

    def names(self, slot: Slot) -> list[str]:
        """The tags of a table."""
        table = find_table(self.store, slot.table)
        assert table is not None
        return [each.slot.tag(each.number) for each in tagged_revisions(table)]

    def rows(self, slot: Slot) -> list[tuple[str, bytes]]:
        """What the table has now, by day."""
        table = find_table(self.store, slot.table)
        assert table is not None
        rows = table.scan().to_arrow().to_pylist()
        return sorted((f"{row['as_of']}", row["entity"]) for row in rows)

    def present(self) -> set[str]:
        """All that is below the two folders."""
        return set(self.store.files.list("runs")) | set(self.store.files.list("tables"))

    def check_whole(self) -> None:
        """Every revision and every state of every table can be read."""
        for _, name in self.store.catalogue.list_tables("ontem"):
            table = find_table(self.store, name)
            assert table is not None
            for snapshot in table.metadata.snapshots:
                table.scan(snapshot_id=snapshot.snapshot_id).to_arrow()
            for each in tagged_revisions(table):
                read_revision(self.store, each.name, dict[str, Any])


def a_day(day: int) -> Slot:
    return Slot("snapshots", TIMELINES, f"2018-06-{day:02}")


TRAINING = Slot(TRAINING_SETS, TIMELINES)
EVENT = Slot(EVENTS, f"{TIMELINES}_cd")


@contextmanager
def a_cleaning_shop(place: Place, folder: Path) -> Iterator[CleaningShop]:
    with open_session(place.postgres_url, application_name="test", autocommit=True) as connection:
        yield CleaningShop(place, open_store(place), connection, folder)
