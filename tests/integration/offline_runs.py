"""An offline store on a folder or on S3, and runs of a few numbers to commit to it."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.table import Table

from stores.offline.commit import commit_run
from stores.offline.revisions import Revision
from stores.offline.runs import (
    DataFile,
    Run,
    Slot,
    describe_files,
    provenance,
    run_folder,
)
from stores.offline.tables import (
    OfflineStore,
    TableDefinition,
    find_table,
)

SLOT = Slot("snapshots", "0123456789ab", "2018-06-01")
COLUMNS = pa.schema(
    [
        pa.field("as_of", pa.date32(), metadata={"doc": "the first day that is not counted"}),
        pa.field("n", pa.int64(), metadata={"doc": "a number"}),
    ]
)
NUMBERS = TableDefinition(COLUMNS, "Numbers of a test.", partition="as_of")
MADE_AT = datetime(2018, 6, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Facts:
    note: str
    watermark: int | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """What `open_store` takes from the settings."""

    postgres_url: str
    storage_url: str
    catalogue: str = "postgres"
    s3_endpoint: str = ""
    s3_region: str = ""


def written(store: OfflineStore, run: str, rows: int, slot: Slot) -> tuple[DataFile, ...]:
    """One file of a run, as Spark would leave it."""
    key = f"{run_folder(slot.dataset, run)}/part-0.parquet"
    days = pa.array([date.fromisoformat(slot.partition)] * rows, pa.date32())
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table([days, pa.array(range(rows), pa.int64())], schema=COLUMNS), sink)
    store.files.write(key, sink.getvalue().to_pybytes())
    return describe_files(store.files, run_folder(slot.dataset, run))


def a_run(
    store: OfflineStore, note: str = "first", *, rows: int = 3, slot: Slot = SLOT
) -> Run[Facts]:
    return Run(
        slot=slot,
        id=f"run-of-{note}",
        files=written(store, f"run-of-{note}", rows, slot),
        facts=Facts(note),
        provenance=provenance(at=MADE_AT, by="test"),
    )


def commit(store: OfflineStore, note: str = "first", **values: object) -> Revision[Facts]:
    return commit_run(store, NUMBERS, a_run(store, note, **values))  # type: ignore[arg-type]


def the_table(store: OfflineStore) -> Table:
    table = find_table(store, SLOT.table)
    assert table is not None
    return table


def rows_of(store: OfflineStore, tag: str | None = None) -> list[int]:
    table = the_table(store)
    snapshot_id = table.metadata.refs[tag].snapshot_id if tag else None
    return sorted(table.scan(snapshot_id=snapshot_id).to_arrow()["n"].to_pylist())
