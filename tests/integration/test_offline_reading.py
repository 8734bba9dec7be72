"""What is read from the offline store is what was committed, or is refused."""

from dataclasses import dataclass

import pyarrow as pa
import pytest

from stores.offline.errors import (
    FileDamaged,
    FileMissing,
    RevisionMissing,
    RevisionUnreadable,
)
from stores.offline.revisions import read_revision
from stores.offline.runs import (
    run_folder,
    verify_files,
)
from stores.offline.tables import (
    OfflineStore,
    make_table,
)
from tests.integration.offline_runs import COLUMNS, NUMBERS, SLOT, Facts, commit


def test_what_is_read_is_what_was_committed(store: OfflineStore) -> None:
    made = commit(store, rows=7)

    found = read_revision(store, made.name, Facts)
    assert found == made
    assert found.rows == 7
    assert found.bytes == store.files.open(found.files[0].key).size()
    verify_files(store.files, found.files)


def test_a_flipped_bit_in_a_file_is_found(store: OfflineStore) -> None:
    made = commit(store)
    content = bytearray(store.files.read(made.files[0].key))
    content[10] ^= 1
    store.files.write(made.files[0].key, bytes(content))

    with pytest.raises(FileDamaged, match=r"part-0\.parquet has sha256"):
        verify_files(store.files, made.files)


def test_a_changed_list_of_files_is_found(store: OfflineStore) -> None:
    made = commit(store)
    key = f"{run_folder(SLOT.dataset, made.run)}/files.json"
    store.files.write(key, store.files.read(key).replace(b'"rows": 3', b'"rows": 4'))

    with pytest.raises(FileDamaged, match=r"files\.json has sha256"):
        read_revision(store, made.name, Facts)


def test_a_file_that_is_missing_is_named(store: OfflineStore) -> None:
    made = commit(store)
    store.files.filesystem.delete_file(f"{store.files.base}/{made.files[0].key}")

    with pytest.raises(FileMissing, match=r"part-0\.parquet"):
        verify_files(store.files, made.files)


@pytest.mark.parametrize("name", ["r2", "snapshots_0123456789ab@2018-06-01.r2", "x@y", ""])
def test_a_revision_that_was_never_committed_is_refused(store: OfflineStore, name: str) -> None:
    commit(store)

    with pytest.raises(RevisionMissing, match="ontem snapshots"):
        read_revision(store, name, Facts)


def test_a_snapshot_that_no_run_of_ontem_made_is_refused(store: OfflineStore) -> None:
    table = make_table(store, SLOT.table, NUMBERS)
    table.append(pa.table([pa.array([], pa.date32()), pa.array([], pa.int64())], schema=COLUMNS))
    snapshot = table.current_snapshot()
    assert snapshot is not None
    with table.manage_snapshots() as refs:
        refs.create_tag(snapshot.snapshot_id, "2018-06-01.r1")

    with pytest.raises(RevisionUnreadable, match=r"2018-06-01\.r1.*ontem-layout"):
        read_revision(store, SLOT.name(1), Facts)


def test_facts_of_another_kind_are_refused(store: OfflineStore) -> None:
    @dataclass(frozen=True, slots=True)
    class OtherFacts:
        note: int

    made = commit(store)

    with pytest.raises(RevisionUnreadable, match="note"):
        read_revision(store, made.name, OtherFacts)


def test_a_revision_of_another_layout_is_refused(
    store: OfflineStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stores.offline.commit.LAYOUT", 2)
    made = commit(store)

    with pytest.raises(RevisionUnreadable, match="layout 2"):
        read_revision(store, made.name, Facts)
