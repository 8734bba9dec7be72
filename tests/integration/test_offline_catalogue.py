"""The catalogue of the offline store: lost, found again, and what it says to other engines."""

import re
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import NoSuchTableError
from pyiceberg.io import FileIO
from pyiceberg.serializers import ToOutputFile
from pyiceberg.table import Table
from pyiceberg.table.metadata import TableMetadata
from pyiceberg.typedef import Identifier

from ontem.cli import main
from stores.offline.catalogue import NAME
from stores.offline.errors import CatalogueLost, MetadataMissing, TableElsewhere
from stores.offline.restoring import restore_tables
from stores.offline.revisions import newest_revision, read_revision
from stores.offline.state_errors import MetadataAmbiguous
from stores.offline.tables import OfflineStore, find_table, open_store
from stores.postgres.connection import PostgresUnavailable
from tests.integration.imports import ENVIRON
from tests.integration.offline_runs import SLOT, Facts, Place, commit, the_table


def _lose_the_catalogue(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DELETE FROM iceberg_tables")
        connection.execute("DELETE FROM iceberg_namespace_properties")


def restored(store: OfflineStore) -> dict[str, str | None]:
    return {each.table: each.after for each in restore_tables(store)}


def test_a_lost_catalogue_comes_back_from_the_metadata(
    store: OfflineStore, database_url: str
) -> None:
    made = [commit(store, note, rows=n) for n, note in enumerate(("one", "two"), 1)]
    _lose_the_catalogue(database_url)

    with pytest.raises(CatalogueLost, match="ontem store restore"):
        commit(store, "three")
    with pytest.raises(CatalogueLost, match="ontem store restore"):
        read_revision(store, made[0].name, Facts)
    assert restored(store) == {SLOT.table: made[1].metadata_location}
    assert [read_revision(store, each.name, Facts).facts.note for each in made] == ["one", "two"]
    assert commit(store, "three").number == 3
    assert restored(store) == {}


def test_a_table_that_another_run_makes_while_it_is_looked_for_is_not_lost(
    store: OfflineStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = store.catalogue.load_table

    def load_before_the_other_run(identifier: str | Identifier) -> Table:
        monkeypatch.setattr(store.catalogue, "load_table", load)
        commit(store, "theirs")
        raise NoSuchTableError

    monkeypatch.setattr(store.catalogue, "load_table", load_before_the_other_run)

    found = find_table(store, SLOT.table)
    assert found is not None
    assert found.metadata_location == the_table(store).metadata_location


def test_a_table_that_a_killed_run_was_about_to_make_is_made_by_the_next(
    store: OfflineStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_and_end(metadata: TableMetadata, io: FileIO, metadata_path: str) -> None:
        ToOutputFile.table_metadata(metadata, io.new_output(metadata_path))
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(SqlCatalog, "_write_metadata", staticmethod(write_and_end))
        with pytest.raises(SystemExit):
            commit(store)
    assert any(key.endswith(".metadata.json") for key in store.files.list("tables"))

    assert newest_revision(store, SLOT) == 0
    assert restored(store) == {}
    made = commit(store)
    assert read_revision(store, made.name, Facts) == made


def test_of_two_newest_metadata_files_the_committed_one_comes_back(
    store: OfflineStore, database_url: str
) -> None:
    made = commit(store)
    folder = f"tables/{SLOT.table}/metadata"
    newest = made.metadata_location.rpartition("/")[2]
    other = f"{newest.split('-')[0]}-ffffffff-0000-4000-8000-000000000000.metadata.json"
    store.files.write(f"{folder}/{other}", store.files.read(f"{folder}/{newest}"))
    _lose_the_catalogue(database_url)

    assert restored(store) == {SLOT.table: made.metadata_location}
    _lose_the_catalogue(database_url)
    store.files.write(f"{folder}/version-hint.text", b"00000-of-long-ago")
    with pytest.raises(MetadataAmbiguous, match=r"ffffffff"):
        restore_tables(store)


def test_a_table_whose_metadata_are_gone_is_forgotten_when_asked_to(store: OfflineStore) -> None:
    made = commit(store)
    for key in store.files.list("tables"):
        store.files.filesystem.delete_file(f"{store.files.base}/{key}")

    with pytest.raises(MetadataMissing, match="ontem store restore"):
        commit(store, "second")
    location = re.escape(made.metadata_location.removeprefix("s3://"))
    with pytest.raises(MetadataMissing, match=f"{SLOT.table} in {location}, and"):
        read_revision(store, made.name, Facts)
    assert restored(store) == {SLOT.table: None}
    assert commit(store, "second").number == 1


def test_a_table_of_another_root_is_refused(
    store: OfflineStore, place: Place, tmp_path: Path
) -> None:
    commit(store)
    elsewhere = open_store(replace(place, storage_url=(tmp_path / "elsewhere").as_uri()))

    with pytest.raises(TableElsewhere, match=r"50%.*elsewhere"):
        read_revision(elsewhere, SLOT.name(1), Facts)


def test_columns_are_documented_in_the_table(store: OfflineStore) -> None:
    commit(store)

    table = the_table(store)
    assert [field.doc for field in table.schema().fields] == [
        "the first day that is not counted",
        "a number",
    ]
    assert table.properties["comment"] == "Numbers of a test."


def test_other_engines_are_kept_from_removing_files(store: OfflineStore) -> None:
    commit(store)

    assert the_table(store).properties["gc.enabled"] == "false"


def test_the_hint_names_the_newest_metadata(store: OfflineStore) -> None:
    made = [commit(store, note) for note in ("one", "two")]

    hint = store.files.read(f"tables/{SLOT.table}/metadata/version-hint.text").decode()
    assert made[1].metadata_location.endswith(f"/{hint}.metadata.json")


def test_a_catalogue_that_does_not_answer_is_a_sentence(storage_url: str) -> None:
    with pytest.raises(PostgresUnavailable, match=r"127\.0\.0\.1:1/nowhere"):
        open_store(Place("postgresql://u:p@127.0.0.1:1/nowhere", storage_url))


def test_the_namespace_of_all_tables_is_ontem(store: OfflineStore) -> None:
    commit(store)

    assert store.catalogue.list_tables(NAME) == [(NAME, SLOT.table)]


def test_the_command_restores_and_says_what(
    store: OfflineStore, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = commit(store)
    environ = {
        **ENVIRON,
        "ONTEM_POSTGRES_URL": place.postgres_url,
        "ONTEM_STORAGE_URL": place.storage_url,
        "AWS_ENDPOINT_URL": place.s3_endpoint,
    }
    _lose_the_catalogue(place.postgres_url)

    said = [CliRunner(env=environ).invoke(main, ["store", "restore"]) for _ in range(2)]
    assert [result.exit_code for result in said] == [0, 0]
    assert said[0].output == f"{SLOT.table}: restored from {made.metadata_location}\n"
    assert said[1].output == (
        "the catalogue has every table in its newest state: nothing was done\n"
    )
    assert read_revision(store, made.name, Facts) == made
