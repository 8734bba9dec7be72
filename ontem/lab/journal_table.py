"""The table of the journal: its columns, how a row is added, and how rows are read."""

import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from jobs.store.compacting import TRIALS
from stores.offline.commit import commit_run
from stores.offline.manifests import lists_are_sound
from stores.offline.runs import Run, Slot, describe_files, provenance, run_folder
from stores.offline.table_definition import TableDefinition, documented
from stores.offline.tables import OfflineStore, find_table

SLOT: Final = Slot(TRIALS, "1")
"""All trials of a store, of whatever feature set: the number is that of the columns."""

_DOCS: Final = {
    "step_id": "The step; its rows share it.",
    "trial_id": "The trial that the step is of.",
    "step": "check, peek, lift or keep.",
    "state": "running, done, failed or interrupted.",
    "at": "When the row was written, by the clock of PostgreSQL.",
    "candidates": "The names of the features and functions on trial.",
    "question": "What the trial is to answer, in the words of who asked.",
    "source": "The training set, or the table of orders that was given.",
    "by": "Who ran it: user, machine and process.",
    "session_pid": "The process of PostgreSQL whose session the step had.",
    "session_start": "When that session began.",
    "result": "JSON: what the step found; null unless it is done.",
    "error": "Why it failed; null unless it did.",
}
COLUMNS: Final = pa.schema(
    [
        ("step_id", pa.string()),
        ("trial_id", pa.string()),
        ("step", pa.string()),
        ("state", pa.string()),
        ("at", pa.timestamp("us", "UTC")),
        ("candidates", pa.list_(pa.string())),
        ("question", pa.string()),
        ("source", pa.string()),
        ("by", pa.string()),
        ("session_pid", pa.int64()),
        ("session_start", pa.timestamp("us", "UTC")),
        ("result", pa.string()),
        ("error", pa.string()),
    ]
)
TABLE: Final = TableDefinition(
    columns=documented(COLUMNS, _DOCS),
    doc="Steps of trials: what was asked of which candidate features, and what was found.",
)


class State(StrEnum):
    """How a step stands. The last one is never written: its session is gone, and it has no end."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    KILLED = "killed"


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalRow:
    """A row of the table, whose columns have these names."""

    step_id: str
    trial_id: str
    step: str
    state: State
    at: datetime
    candidates: tuple[str, ...]
    question: str
    source: str | None
    by: str
    session_pid: int
    session_start: datetime
    result: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class RowFacts:
    """What a revision of the table says of itself: the step whose row it adds."""

    step_id: str
    state: State


def append_row(store: OfflineStore, row: JournalRow) -> None:
    """Add a row to the table, which keeps all others. Raises what a commit raises."""
    run = uuid.uuid4().hex
    folder = run_folder(SLOT.dataset, run)
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist([asdict(row)], schema=COLUMNS), sink)
    store.files.write(f"{folder}/part-0.parquet", sink.getvalue().to_pybytes())
    written = Run(
        slot=SLOT,
        id=run,
        files=describe_files(store.files, folder),
        facts=RowFacts(row.step_id, row.state),
        provenance=provenance(at=row.at, by=f"ontem trial {row.step}"),
    )
    commit_run(store, TABLE, written, adds=True)


def read_rows(store: OfflineStore) -> Iterator[JournalRow]:
    """All rows of the table, the oldest first; none before the first trial."""
    table = find_table(store, SLOT.table)
    if table is None:
        return
    names = [field.name for field in fields(JournalRow)]
    with lists_are_sound(table):
        rows = table.scan(selected_fields=tuple(names)).to_arrow().sort_by("at")
    for row in rows.to_pylist():
        changed = {"state": State(row["state"]), "candidates": tuple(row["candidates"])}
        yield JournalRow(**{**{name: row[name] for name in names}, **changed})
