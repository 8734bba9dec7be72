"""Tables to which rows are only added, each by a commit of its own: their many files become one."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.table import Table

from stores.offline.commit import commit_compaction
from stores.offline.manifests import lists_are_sound
from stores.offline.revisions import dataset_of, tagged_revisions
from stores.offline.runs import Run, Slot, describe_files, provenance, run_folder
from stores.offline.tables import OfflineStore, catalogued_names, existing_table

TRIALS: Final = "trials"
"""The dataset of the journal of trials, which has a row for each step."""
LEAST_FILES: Final = 50
"""From so many files on a table is worth a compaction."""


@dataclass(frozen=True, slots=True)
class CompactionFacts:
    """What a compaction says of itself: it has all rows of the revisions before it."""

    compacts: bool
    rows: int


def scattered(store: OfflineStore, least_files: int) -> Iterator[tuple[Table, int]]:
    """The tables of trials that have so many files, and how many. Raises what `find_table` does."""
    for name in sorted(catalogued_names(store)):
        if dataset_of(name) == TRIALS:
            table = existing_table(store, name)
            with lists_are_sound(table):
                files = len(list(table.scan().plan_files()))
            if files >= least_files:
                yield table, files


def compact(store: OfflineStore, table: Table, at: datetime) -> int:
    """Write all rows of a table into one file, which takes the place of all others; how many.

    It is a revision; those before it stay until they expire. A row that is added meanwhile is in
    it, too: then all are written again. Raises CommitCrowdedOut and what `find_table` raises.
    """
    slot = tagged_revisions(table)[0].slot
    run = commit_compaction(store, table, lambda found: written(store, found, slot, at))
    return run.facts.rows


def written(store: OfflineStore, table: Table, slot: Slot, at: datetime) -> Run[CompactionFacts]:
    """The rows of this very state of a table, in a run of their own."""
    schema = schema_to_pyarrow(table.schema(), include_field_ids=False)
    rows = table.scan().to_arrow().cast(schema)
    sink = pa.BufferOutputStream()
    pq.write_table(rows, sink)
    run = uuid.uuid4().hex
    folder = run_folder(slot.dataset, run)
    store.files.write(f"{folder}/part-0.parquet", sink.getvalue().to_pybytes())
    return Run(
        slot=slot,
        id=run,
        files=describe_files(store.files, folder),
        facts=CompactionFacts(compacts=True, rows=rows.num_rows),
        provenance=provenance(at=at, by="ontem store clean"),
    )
