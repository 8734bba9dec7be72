"""`ontem store restore` after a backup: tables come forward, and of a fork the operator chooses."""

from collections.abc import Callable

import pytest
from click.testing import Result
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.table import Table
from pyiceberg.typedef import Identifier

from stores.offline.errors import TableOfAnotherName
from stores.offline.metadata_files import hint_key, metadata_key, name_of
from stores.offline.restoring import restore_from, restore_tables
from stores.offline.revisions import read_revision
from stores.offline.runs import Slot
from stores.offline.state_errors import (
    CatalogueForked,
    CatalogueOutdated,
    NotRestorable,
    RestoreOvertaken,
    StateMissing,
)
from stores.offline.tables import OfflineStore
from tests.integration.offline_runs import SLOT, Facts, commit, rows_of, the_table
from tests.integration.outdated_tables import (
    forked,
    hint,
    location_in_catalogue,
    turn_back,
    write_hint_of,
)

on_folder = pytest.mark.parametrize("place", ["folder"], indirect=True)
OTHER = Slot("snapshots", "000000000000", "2018-06-01")


def test_a_table_comes_forward_with_all_that_it_had(
    store: OfflineStore, database_url: str, store_restore: Callable[..., Result]
) -> None:
    made = [commit(store, note, rows=n) for n, note in enumerate(("one", "two", "three"), 1)]
    turn_back(database_url, made[0].metadata_location)

    dry = store_restore("--dry-run")
    assert (dry.exit_code, location_in_catalogue(database_url)) == (0, made[0].metadata_location)
    done = store_restore()
    assert done.exit_code == 0
    names = [name_of(each.metadata_location) for each in made]
    assert done.output == (
        f"{SLOT.table}: from {names[0]} to {names[2]}, which adds 6 snapshots and the tags "
        "2018-06-01.r2, 2018-06-01.r3\n"
    )
    assert dry.output == f"{done.output}nothing was changed\n"
    assert location_in_catalogue(database_url) == made[2].metadata_location
    notes = [read_revision(store, each.name, Facts).facts.note for each in made]
    assert notes == ["one", "two", "three"]
    assert rows_of(store) == [0, 1, 2]
    assert "nothing was done" in store_restore().output
    assert commit(store, "four").number == 4


@on_folder
def test_a_fork_is_refused_with_what_each_side_has_and_nothing_changes(
    store: OfflineStore, database_url: str, store_restore: Callable[..., Result]
) -> None:
    first, second = forked(store, database_url)
    other = commit(store, "other", slot=OTHER)
    commit(store, "newer", slot=OTHER)
    turn_back(database_url, other.metadata_location, OTHER.table)
    before = store.files.list("tables")

    for use in (lambda: commit(store, "five"), lambda: restore_tables(store)):
        with pytest.raises(CatalogueForked):
            use()
    done = store_restore()
    assert done.exit_code == 1
    hinted, known = name_of(first.metadata_location), name_of(second.metadata_location)
    for part in (
        f"has the table {SLOT.table} as of {known}, the newest one of its folder is {hinted}",
        f"Only {known} has 6 snapshots and the tags 2018-06-01.r2, 2018-06-01.r3; ",
        f"only {hinted} has 3 snapshots and the tag 2018-06-01.r2. ",
        f"--table {SLOT.table} --from {hinted}` or `--from {known}`",
    ):
        assert part in done.stderr
    assert location_in_catalogue(database_url) == second.metadata_location
    assert location_in_catalogue(database_url, OTHER.table) == other.metadata_location
    assert store.files.list("tables") == before


@on_folder
@pytest.mark.parametrize("side", [0, 1])
def test_of_a_fork_one_side_is_chosen(
    store: OfflineStore, database_url: str, store_restore: Callable[..., Result], side: int
) -> None:
    sides = forked(store, database_url)
    chosen = name_of(sides[side].metadata_location)

    dry = store_restore("--table", SLOT.table, "--from", chosen, "--dry-run")
    assert (dry.exit_code, "nothing was changed" in dry.output) == (0, True)
    with pytest.raises(CatalogueForked):
        the_table(store)
    done = store_restore("--table", SLOT.table, "--from", f"{chosen}.metadata.json")
    assert done.exit_code == 0, done.output
    if side == 0:
        assert "given up: 6 snapshots and the tags 2018-06-01.r2, 2018-06-01.r3" in done.output
    else:
        assert f"stays as of {chosen}, and version-hint.text names that" in done.output
    assert hint(store) == chosen
    assert location_in_catalogue(database_url) == sides[side].metadata_location
    assert rows_of(store) == list(range(sides[side].rows))
    assert commit(store, "five").number == sides[side].number + 1
    assert restore_tables(store) == []


@on_folder
def test_a_commit_meanwhile_is_not_lost(
    store: OfflineStore, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    older, newer = commit(store, "one"), commit(store, "two")
    turn_back(database_url, older.metadata_location)
    load = store.catalogue.load_table

    def load_before_another_run(identifier: str | Identifier) -> Table:
        monkeypatch.setattr(store.catalogue, "load_table", load)
        table = load(identifier)
        write_hint_of(store, name_of(older.metadata_location))
        commit(store, "theirs")
        return table

    monkeypatch.setattr(store.catalogue, "load_table", load_before_another_run)
    with pytest.raises(RestoreOvertaken, match="run `ontem store restore` again"):
        restore_tables(store)

    assert read_revision(store, SLOT.name(2), Facts).facts.note == "theirs"
    assert location_in_catalogue(database_url) != newer.metadata_location


@on_folder
def test_a_commit_that_began_before_goes_on_from_what_was_restored(
    store: OfflineStore, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    older, newer = commit(store, "one"), commit(store, "two")
    write, restored = SqlCatalog._write_metadata, iter([newer.metadata_location])

    def write_while_it_is_restored(*arguments: object, **named: object) -> None:
        write(*arguments, **named)  # type: ignore[arg-type]
        if location := next(restored, None):
            turn_back(database_url, location)

    write_hint_of(store, name_of(older.metadata_location))
    turn_back(database_url, older.metadata_location)
    monkeypatch.setattr(SqlCatalog, "_write_metadata", staticmethod(write_while_it_is_restored))

    assert commit(store, "three").number == 3
    notes = [read_revision(store, SLOT.name(n), Facts).facts.note for n in (1, 2, 3)]
    assert notes == ["one", "two", "three"]


@on_folder
def test_a_lost_newest_file_takes_the_hint_along(store: OfflineStore, database_url: str) -> None:
    """Else the hint would name what is gone, and the table would be refused for good."""
    older, newer = commit(store, "one"), commit(store, "two")
    store.files.delete(metadata_key(SLOT.table, name_of(newer.metadata_location)))

    restore_tables(store)

    assert location_in_catalogue(database_url) == older.metadata_location
    assert commit(store, "three").number == 2


@on_folder
def test_a_forgotten_table_leaves_no_hint(store: OfflineStore) -> None:
    commit(store, "one")
    kept = hint_key(SLOT.table)
    for key in set(store.files.list("tables")) - {kept}:
        store.files.delete(key)

    restore_tables(store)

    assert not store.files.exists(kept)
    assert commit(store, "two").number == 1
    assert commit(store, "three").number == 2


@on_folder
def test_what_is_no_state_of_the_table_is_not_chosen(
    store: OfflineStore, database_url: str
) -> None:
    made, other = commit(store, "one"), commit(store, "other", slot=OTHER)
    strange = f"{name_of(other.metadata_location)}"
    content = store.files.read(metadata_key(OTHER.table, strange))
    store.files.write(metadata_key(SLOT.table, strange), content)

    with pytest.raises(TableOfAnotherName):
        restore_from(store, SLOT.table, strange)
    for name in ("00009-of-nobody", "..", ""):
        with pytest.raises(StateMissing, match=f"name one of those in tables/{SLOT.table}"):
            restore_from(store, SLOT.table, name)
    assert location_in_catalogue(database_url) == made.metadata_location


@on_folder
def test_a_catalogue_of_another_kind_is_looked_at_and_not_turned(
    store: OfflineStore, database_url: str
) -> None:
    class Glue:
        """Another catalogue than that in PostgreSQL."""

        def __getattr__(self, name: str) -> object:
            return getattr(store.catalogue, name)

    older, newer = commit(store, "one"), commit(store, "two")
    turn_back(database_url, older.metadata_location)
    glue = OfflineStore(store.files, Glue())  # type: ignore[arg-type]

    with pytest.raises(CatalogueOutdated):
        commit(glue, "three")
    with pytest.raises(NotRestorable, match="in Glue yourself") as refused:
        restore_tables(glue)
    assert refused.value.location == newer.metadata_location
    assert location_in_catalogue(database_url) == older.metadata_location


@on_folder
@pytest.mark.parametrize("words", [("--table", SLOT.table), ("--from", "00001-a")])
def test_a_table_and_its_state_are_named_together(
    store_restore: Callable[..., Result], words: tuple[str, str]
) -> None:
    done = store_restore(*words)
    assert done.exit_code == 2
    assert "--table and --from go together" in done.output
