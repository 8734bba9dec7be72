"""Commits to the offline store: each is a revision of its own, whole or not at all."""

import signal
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import astuple, replace
from datetime import date
from multiprocessing import get_context
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyiceberg.table import Table
from sqlalchemy.exc import IntegrityError

from stores.offline.commit import commit_run
from stores.offline.revisions import newest_revision, read_revision
from stores.offline.runs import (
    Run,
    Slot,
    describe_files,
    run_folder,
)
from stores.offline.tables import (
    OfflineStore,
    TableDefinition,
    find_table,
    open_store,
)
from tests.integration.offline_runs import (
    COLUMNS,
    NUMBERS,
    SLOT,
    Facts,
    Place,
    a_run,
    commit,
    rows_of,
)


def test_revisions_count_up_and_old_ones_stay_readable(store: OfflineStore) -> None:
    made = [commit(store, note, rows=n) for n, note in enumerate(("one", "two", "three"), 1)]

    assert [each.name for each in made] == [
        f"snapshots_0123456789ab@2018-06-01.r{n}" for n in (1, 2, 3)
    ]
    assert read_revision(store, made[1].name, Facts).facts.note == "two"
    assert newest_revision(store, SLOT) == 3
    assert rows_of(store, "2018-06-01.r2") == [0, 1]


def test_the_table_has_the_newest_revision_of_each_slot(store: OfflineStore) -> None:
    other = Slot(SLOT.dataset, SLOT.id, "2018-06-02")
    commit(store, "one", rows=5)
    commit(store, "other", rows=2, slot=other)
    commit(store, "two", rows=3)

    assert rows_of(store) == [0, 0, 1, 1, 2]
    assert (newest_revision(store, SLOT), newest_revision(store, other)) == (2, 1)
    assert newest_revision(store, Slot("snapshots", "ba9876543210", "2018-06-01")) == 0


def test_a_table_without_partitions_is_replaced_as_a_whole(store: OfflineStore) -> None:
    whole = TableDefinition(COLUMNS, "Numbers of a test.")
    slot = Slot("training_sets", "0123456789abcdef")
    for number in (1, 2):
        run = a_run(store, f"run {number}", rows=number, slot=SLOT)
        made = commit_run(store, whole, Run(slot=slot, **_parts(run)))
    table = find_table(store, slot.table)

    assert made.name == "training_sets_0123456789abcdef@r2"
    assert table is not None
    assert table.scan().to_arrow().num_rows == 2


def test_a_table_gets_the_columns_that_it_lacks(store: OfflineStore) -> None:
    days = pa.field("days", pa.list_(pa.struct([("day", pa.date32())])), metadata={"doc": "days"})
    wider = TableDefinition(pa.schema([*COLUMNS, days]), NUMBERS.doc, NUMBERS.partition)
    commit(store, "before")
    day = date(2018, 6, 2)
    slot = Slot(SLOT.dataset, SLOT.id, day.isoformat())
    row = {"as_of": day, "n": 7, "days": [{"day": day}]}
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist([row], schema=wider.columns), sink)
    folder = run_folder(slot.dataset, "wide")
    store.files.write(f"{folder}/part-0.parquet", sink.getvalue().to_pybytes())
    run = Run(**_parts(a_run(store, "wide")) | {"slot": slot, "id": "wide"})  # type: ignore[arg-type]
    commit_run(store, wider, replace(run, files=describe_files(store.files, folder)))
    commit(store, "narrow again")

    table = find_table(store, SLOT.table)
    assert table is not None
    assert table.schema().find_field("days").doc == "days"
    assert row in table.scan().to_arrow().to_pylist()
    assert rows_of(store) == [0, 1, 2, 7]
    assert rows_of(store, "2018-06-01.r1") == [0, 1, 2]


def _parts(run: Run[Facts]) -> dict[str, object]:
    return {name: getattr(run, name) for name in ("id", "files", "facts", "provenance")}


def test_a_run_is_committed_once_however_often_it_is_asked_for(store: OfflineStore) -> None:
    run = a_run(store)

    assert commit_run(store, NUMBERS, run) == commit_run(store, NUMBERS, run)
    assert newest_revision(store, SLOT) == 1
    assert rows_of(store) == [0, 1, 2]


def test_a_revision_without_rows_is_a_revision(store: OfflineStore) -> None:
    made = commit(store, "empty", rows=0)

    assert (made.files, made.rows) == ((), 0)
    assert read_revision(store, made.name, Facts) == made
    assert rows_of(store) == []


def test_who_has_lost_the_lock_commits_nothing_upon_the_commit_of_another(
    store: OfflineStore,
) -> None:
    class LockLostError(Exception):
        pass

    checks: list[int] = []

    def check() -> None:
        checks.append(newest_revision(store, SLOT))
        if len(checks) > 1:
            raise LockLostError
        commit(store, "another", rows=2)  # just after this run was told that it has the lock

    commit(store, "first")
    with pytest.raises(LockLostError):
        commit_run(store, NUMBERS, a_run(store, "mine", rows=9), check=check, sleep=lambda _: None)

    assert checks == [1, 2]
    assert rows_of(store) == [0, 1]


def test_a_commit_between_two_loses_neither_its_rows_nor_its_tag(store: OfflineStore) -> None:
    commit(store, "first")
    crowd = iter(["second", "third"])
    load_table = store.catalogue.load_table

    class Crowded:
        """A catalogue in which others commit just after this run has looked at the table."""

        def __getattr__(self, name: str) -> object:
            return getattr(store.catalogue, name)

        def load_table(self, identifier: tuple[str, str]) -> Table:
            table = load_table(identifier)
            if note := next(crowd, None):
                commit(store, note)
            return table

    crowded = OfflineStore(store.files, Crowded())  # type: ignore[arg-type]
    run = a_run(store, "mine", rows=9)
    waits: list[float] = []
    made = commit_run(crowded, NUMBERS, run, sleep=waits.append)

    assert made.name.endswith("@2018-06-01.r4")
    assert len(waits) == 2
    assert rows_of(store) == list(range(9))
    names = [f"{SLOT.table}@2018-06-01.r{n}" for n in (1, 2, 3, 4)]
    notes = [read_revision(store, name, Facts).facts.note for name in names]
    assert notes == ["first", "second", "third", "mine"]


def test_two_first_runs_at_once_make_one_table(store: OfflineStore) -> None:
    class Raced:
        """A catalogue in which another run makes the namespace, then the table, just before."""

        def __getattr__(self, name: str) -> object:
            return getattr(store.catalogue, name)

        def create_namespace_if_not_exists(self, namespace: str) -> None:
            store.catalogue.create_namespace(namespace)
            raise IntegrityError("INSERT", {}, ValueError("duplicate key"))

        def create_table_transaction(self, *arguments: object, **named: object) -> object:
            creation = store.catalogue.create_table_transaction(*arguments, **named)  # type: ignore[arg-type]
            commit(store, "other")
            return creation

    raced = OfflineStore(store.files, Raced())  # type: ignore[arg-type]

    assert commit(raced, "mine", rows=4).number == 2
    assert rows_of(store) == [0, 1, 2, 3]


def _commit_some(place: Place, writer: int) -> list[str]:
    store = open_store(place)
    return [commit(store, f"{writer}.{turn}", rows=1).name for turn in range(4)]


def test_writers_at_the_same_time_get_different_revisions(
    store: OfflineStore, place: Place
) -> None:
    with ProcessPoolExecutor(3, mp_context=get_context("spawn")) as pool:
        lists = list(pool.map(_commit_some, [place] * 3, range(3)))

    made = {name: f"{w}.{t}" for w, names in enumerate(lists) for t, name in enumerate(names)}
    assert len(made) == 12
    assert {name: read_revision(store, name, Facts).facts.note for name in made} == made
    assert newest_revision(store, SLOT) == 12


KILLED = """
import sys
from stores.offline.tables import open_store
from tests.integration.offline_runs import Place, commit
store = open_store(Place(*sys.argv[2:]))
stage, catalogue = sys.argv[1], store.catalogue
write, commit_table = catalogue._write_metadata, catalogue.commit_table

def stop(*arguments, **named):
    print("here", flush=True)
    sys.stdin.read()

def write_then_stop(*arguments, **named):
    write(*arguments, **named)
    stop()

def commit_then_stop(*arguments, **named):
    commit_table(*arguments, **named)
    stop()

if stage == "files written":
    catalogue.load_table = stop
elif stage == "metadata written":
    catalogue._write_metadata = write_then_stop
elif stage == "committed":
    catalogue.commit_table = commit_then_stop
commit(store, "killed", rows=5)
"""


@pytest.mark.parametrize(
    ("stage", "newest"), [("files written", 1), ("metadata written", 1), ("committed", 2)]
)
def test_a_run_that_is_killed_has_changed_nothing_or_all(
    store: OfflineStore, place: Place, stage: str, newest: int
) -> None:
    commit(store, "first", rows=3)
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, stage, *astuple(place)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout is not None
    assert process.stdin is not None
    with process.stdin, process.stdout:
        assert process.stdout.readline() == b"here\n"
        process.send_signal(signal.SIGKILL)
        process.wait()

    assert newest_revision(store, SLOT) == newest
    assert rows_of(store) == list(range(3 if newest == 1 else 5))
    assert commit(store, "again", rows=4).number == newest + 1
    assert rows_of(store) == list(range(4))
