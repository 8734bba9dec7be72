"""`ontem store restore` where files or rows are odd, and the words of whoever chooses a state."""

from collections.abc import Callable

import pytest
from click.testing import Result

from stores.offline.catalogue_rows import drop_row
from stores.offline.files import Files
from stores.offline.lineage import newest_name
from stores.offline.metadata_files import (
    METADATA,
    metadata_folder,
    metadata_key,
    metadata_keys,
    name_of,
)
from stores.offline.restoring import restore_from, restore_tables
from stores.offline.revisions import read_revision
from stores.offline.state_errors import MetadataAmbiguous, MetadataUnreadable, RestoreOvertaken
from stores.offline.tables import OfflineStore
from stores.postgres.cleaning import lock_cleaning
from stores.postgres.connection import Connection
from tests.integration.offline_runs import SLOT, Facts, commit, rows_of
from tests.integration.outdated_tables import (
    forked,
    hint,
    location_in_catalogue,
    location_of,
    turn_back,
    write_hint_of,
)

on_folder = pytest.mark.parametrize("place", ["folder"], indirect=True)


def lose_row(store: OfflineStore, url: str) -> None:
    """As a backup from before the table leaves the catalogue."""
    drop_row(store, SLOT.table, location_in_catalogue(url))


@on_folder
def test_what_was_given_up_does_not_return_with_a_lost_table(
    store: OfflineStore, database_url: str
) -> None:
    """The side that was given up has more commits, so its files have the higher numbers."""
    chosen, _ = forked(store, database_url)
    restore_from(store, SLOT.table, name_of(chosen.metadata_location))
    lose_row(store, database_url)

    restore_tables(store)
    assert location_in_catalogue(database_url) == chosen.metadata_location


@on_folder
def test_a_lost_table_has_the_commit_whose_hint_could_not_be_written(
    store: OfflineStore, database_url: str
) -> None:
    names = [name_of(commit(store, note).metadata_location) for note in ("one", "two", "three")]
    write_hint_of(store, names[0])
    lose_row(store, database_url)

    restore_tables(store)
    assert name_of(location_in_catalogue(database_url)) == names[2] == hint(store)


@on_folder
@pytest.mark.parametrize("has_hint", [True, False])
def test_of_two_files_after_the_hint_none_is_taken(
    store: OfflineStore,
    database_url: str,
    has_hint: bool,  # noqa: FBT001  pytest gives parameters by name
) -> None:
    begun, made = (name_of(commit(store, note).metadata_location) for note in ("one", "two"))
    content = store.files.read(metadata_key(SLOT.table, made))
    store.files.write(metadata_key(SLOT.table, "00002-of-a-killed-run"), content)
    write_hint_of(store, begun if has_hint else "")
    lose_row(store, database_url)

    with pytest.raises(MetadataAmbiguous):
        restore_tables(store)


@on_folder
def test_what_another_run_restored_meanwhile_is_not_turned_back(
    store: OfflineStore, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    older, newer = commit(store, "one"), commit(store, "two")
    store.files.delete(metadata_key(SLOT.table, name_of(newer.metadata_location)))

    def look_too_early(files: Files, table: str) -> str:
        found = newest_name(files, table)
        turn_back(database_url, older.metadata_location)
        write_hint_of(store, name_of(older.metadata_location))
        commit(store, "theirs")
        return found

    monkeypatch.setattr("stores.offline.restoring.newest_name", look_too_early)
    with pytest.raises(RestoreOvertaken):
        restore_tables(store)
    assert read_revision(store, SLOT.name(2), Facts).facts.note == "theirs"


@on_folder
def test_a_table_that_was_made_anew_meanwhile_is_not_forgotten(
    store: OfflineStore, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(store, "one")
    for key in store.files.list("tables"):
        store.files.delete(key)

    def look_too_early(files: Files, table: str) -> list[str]:
        found = metadata_keys(files, table)
        lose_row(store, database_url)
        commit(store, "theirs")
        return found

    monkeypatch.setattr("stores.offline.restoring.metadata_keys", look_too_early)
    with pytest.raises(RestoreOvertaken):
        restore_tables(store)
    assert read_revision(store, SLOT.name(1), Facts).facts.note == "theirs"
    assert commit(store, "two").number == 2


@pytest.mark.parametrize("content", [b"{", b'{"format-version": 9}', b"[]", b"", b"\xff\xfe"])
@on_folder
def test_a_newest_file_that_is_damaged_is_named_and_another_can_be_chosen(
    store: OfflineStore, database_url: str, store_restore: Callable[..., Result], content: bytes
) -> None:
    older, newer = (name_of(commit(store, note).metadata_location) for note in ("one", "two"))
    turn_back(database_url, location_of(store, older))
    store.files.write(metadata_key(SLOT.table, newer), content)

    for words in ((), ("--table", SLOT.table, "--from", newer)):
        refused = store_restore(*words)
        assert refused.exit_code == 1
        assert f"the metadata file {newer} of the table {SLOT.table} can't be read" in (
            refused.stderr
        )
        assert f"`ontem store restore --table {SLOT.table} --from` and its name" in refused.stderr
    assert store_restore("--table", SLOT.table, "--from", older).exit_code == 0
    assert commit(store, "three").number == 2


@on_folder
def test_where_the_catalogue_names_a_damaged_file_another_can_be_chosen(
    store: OfflineStore, database_url: str
) -> None:
    older, newer = commit(store, "one"), commit(store, "two")
    store.files.write(metadata_key(SLOT.table, name_of(newer.metadata_location)), b"{")

    with pytest.raises(MetadataUnreadable, match="the metadata file in the catalogue"):
        restore_tables(store)
    restore_from(store, SLOT.table, name_of(older.metadata_location))
    assert location_in_catalogue(database_url) == older.metadata_location
    assert rows_of(store) == [0, 1, 2]


def test_a_state_is_chosen_by_name_or_path_and_of_this_table_alone(
    store: OfflineStore, store_restore: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = commit(store, "one")
    name, folder = name_of(made.metadata_location), metadata_folder(SLOT.table)
    location = store.files.location(folder)
    ours = [name, f"{name}{METADATA}", made.metadata_location, f"{folder}/{name}"]
    if store.files.is_folder:
        monkeypatch.chdir(location)
        ours.append(f"./{name}{METADATA}")
    for path in ours:
        assert store_restore("--table", SLOT.table, "--from", path).exit_code == 0, path
    others = [
        "tables/snapshots_000000000000/metadata",
        f"/elsewhere/{folder}",
        "s3://b/c",
        "..",
        name,
    ]
    for path in (f"{other}/{name}{METADATA}" for other in others):
        refused = store_restore("--table", SLOT.table, "--from", path)
        assert refused.exit_code == 1, path
        assert f"{path} is not in {location}" in refused.stderr
    missing = store_restore("--table", SLOT.table, "--from", "x" * 300)
    assert (missing.exit_code, "has no metadata file x" in missing.stderr) == (1, True)


@pytest.mark.parametrize("table", ["", "..", "a/b", "a\0b", f"ontem.{SLOT.table}", "nope"])
def test_a_table_that_is_not_there_is_answered_with_those_that_are(
    store: OfflineStore, store_restore: Callable[..., Result], table: str
) -> None:
    name = name_of(commit(store, "one").metadata_location)
    refused = store_restore("--table", table, "--from", name)
    assert refused.exit_code == 1
    assert f"there is no table {table!r} in this store: name one of its own ({SLOT.table})" in (
        refused.stderr
    )


@on_folder
def test_nothing_is_restored_while_the_store_is_cleaned(
    store: OfflineStore, connection: Connection, store_restore: Callable[..., Result]
) -> None:
    name = name_of(commit(store, "one").metadata_location)
    lock_cleaning(connection)
    for words in ((), ("--table", SLOT.table, "--from", name)):
        refused = store_restore(*words)
        assert refused.exit_code == 5
        assert "is being cleaned or restored by another process" in refused.stderr
        assert store_restore(*words, "--dry-run").exit_code == 0
