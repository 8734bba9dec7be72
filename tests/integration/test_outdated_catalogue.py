"""A catalogue that was restored from an older backup: nobody reads or goes on from that state."""

from collections.abc import Callable

import pytest
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.table import Table
from pyiceberg.typedef import Identifier

from stores.offline.catalogue_rows import drop_row
from stores.offline.commit import commit_run, commit_until_first
from stores.offline.metadata_files import hint_key, name_of
from stores.offline.restoring import restore_tables
from stores.offline.revisions import newest_revision, read_revision
from stores.offline.state_errors import CatalogueForked, CatalogueOutdated, HintedMissing
from stores.offline.tables import OfflineStore, find_table, make_table, open_store, write_hint
from tests.integration.offline_runs import NUMBERS, SLOT, Facts, Place, a_run, commit, the_table
from tests.integration.outdated_tables import (
    committed_by_others,
    hint,
    location_in_catalogue,
    location_of,
    turn_back,
    write_hint_of,
)
from tests.integration.s3_jobs import a_proxied_bucket
from tests.s3 import S3Server

on_folder = pytest.mark.parametrize("place", ["folder"], indirect=True)


@pytest.mark.parametrize(
    "use",
    [
        lambda store: commit(store, "on the older state"),
        lambda store: make_table(store, SLOT.table, NUMBERS),
        lambda store: read_revision(store, SLOT.name(1), Facts),
        lambda store: newest_revision(store, SLOT),
        lambda store: find_table(store, SLOT.table),
    ],
    ids=["commit", "make", "read", "newest", "find"],
)
def test_an_older_state_is_neither_read_nor_committed_to(
    store: OfflineStore, database_url: str, use: Callable[[OfflineStore], object]
) -> None:
    older, newer = commit(store, "one"), commit(store, "two")
    turn_back(database_url, older.metadata_location)
    before = store.files.list("tables")

    with pytest.raises(CatalogueOutdated, match="Run `ontem store restore`") as refused:
        use(store)
    assert refused.value.known == name_of(older.metadata_location)
    assert refused.value.hinted == name_of(newer.metadata_location)
    assert location_in_catalogue(database_url) == older.metadata_location
    assert store.files.list("tables") == before


@on_folder
def test_a_commit_that_has_to_be_repeated_looks_again(
    store: OfflineStore, database_url: str
) -> None:
    older = commit(store, "one")
    commit(store, "two")
    tries: list[Table] = []

    def come_too_late(table: Table) -> None:
        tries.append(table)
        turn_back(database_url, older.metadata_location)
        raise CommitFailedException

    with pytest.raises(CatalogueOutdated):
        commit_until_first(store, the_table(store), come_too_late, sleep=lambda _: None)
    assert len(tries) == 1


@on_folder
@pytest.mark.parametrize("behind", [1, 2])
def test_a_hint_that_is_behind_is_no_reason_to_refuse(store: OfflineStore, behind: int) -> None:
    """It could not be written, or that of a writer who came second was written first."""
    names = [name_of(commit(store, note).metadata_location) for note in ("one", "two", "three")]
    write_hint_of(store, names[-1 - behind])

    made = commit(store, "four")
    assert made.number == 4
    assert hint(store) == name_of(made.metadata_location)


@on_folder
@pytest.mark.parametrize("content", [None, "", "\n"])
def test_without_a_hint_the_newest_file_is_looked_at(
    store: OfflineStore, database_url: str, content: str | None
) -> None:
    """Somebody deletes the hint, because the refusal names it."""
    older, newer = commit(store, "one"), commit(store, "two")
    turn_back(database_url, older.metadata_location)
    lose_hint(store, content)

    with pytest.raises(CatalogueOutdated, match="Run `ontem store restore`") as refused:
        commit(store, "on the older state")
    assert refused.value.hinted == name_of(newer.metadata_location)
    restore_tables(store)
    assert location_in_catalogue(database_url) == newer.metadata_location
    assert hint(store) == name_of(newer.metadata_location)


@on_folder
def test_who_finds_no_hint_writes_it(store: OfflineStore) -> None:
    table = make_table(store, SLOT.table, NUMBERS)
    assert hint(store) == name_of(table.metadata_location)
    made = commit(store, "one")
    lose_hint(store)

    find_table(store, SLOT.table)
    assert hint(store) == name_of(made.metadata_location)


@on_folder
def test_without_a_hint_a_commit_of_this_moment_is_no_reason_to_refuse(
    store: OfflineStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(store, "one")
    lose_hint(store)
    load = store.catalogue.load_table

    def load_before_another_run(identifier: str | Identifier) -> Table:
        monkeypatch.setattr(store.catalogue, "load_table", load)
        table = load(identifier)
        commit(store, "theirs")
        return table

    monkeypatch.setattr(store.catalogue, "load_table", load_before_another_run)
    assert commit(store, "mine").number == 3


@on_folder
@pytest.mark.parametrize("tail", ["\n", "\r\n", " "])
def test_a_hint_that_an_editor_saved_is_read(store: OfflineStore, tail: str) -> None:
    made = commit(store, "one")
    write_hint_of(store, f"{name_of(made.metadata_location)}{tail}")
    assert commit(store, "two").number == 2


@on_folder
def test_a_table_that_was_made_anew_does_not_miss_the_empty_one(
    store: OfflineStore, database_url: str
) -> None:
    """Its row was lost before anything was committed, and a run was killed before the hint."""
    lost = make_table(store, SLOT.table, NUMBERS)
    drop_row(store, SLOT.table, lost.metadata_location)
    made = make_table(store, SLOT.table, NUMBERS)
    assert made.metadata_location != lost.metadata_location
    write_hint_of(store, name_of(lost.metadata_location))

    assert commit(store, "one").number == 1


@on_folder
def test_a_commit_between_hint_and_table_is_no_reason_to_refuse(
    store: OfflineStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever of the two is read first, another run may commit before or after."""
    commit(store, "one")
    crowd, load = iter(["two", "three"]), store.catalogue.load_table

    def load_between(identifier: str | Identifier) -> Table:
        with monkeypatch.context() as alone:
            alone.setattr(store.catalogue, "load_table", load)
            if note := next(crowd, None):
                commit(store, note)
            table = load(identifier)
            if note := next(crowd, None):
                commit(store, note)
        return table

    with monkeypatch.context() as crowded:
        crowded.setattr(store.catalogue, "load_table", load_between)
        found = find_table(store, SLOT.table)

    assert found is not None
    assert next(crowd, None) is None
    assert commit(store, "mine").number == 4


@on_folder
def test_a_hint_is_not_turned_back_with_the_catalogue(
    store: OfflineStore, database_url: str
) -> None:
    """The database is restored in the moment between a commit and its hint."""
    older = commit(store, "one")
    newer = commit(store, "two")
    table = the_table(store)
    turn_back(database_url, older.metadata_location)

    write_hint(store, table)

    assert hint(store) == name_of(newer.metadata_location)


@on_folder
@pytest.mark.parametrize("content", ["00009-of-long-ago", "9", "../a", "\N{SNOWMAN} \x00"])
def test_a_hint_that_names_nothing_that_is_there_is_a_sentence(
    store: OfflineStore, database_url: str, content: str
) -> None:
    made = commit(store, "one")
    write_hint_of(store, content)

    for refused in (lambda: commit(store, "two"), lambda: restore_tables(store)):
        with pytest.raises(HintedMissing, match="bring the file back") as refusal:
            refused()
        assert f"--table {SLOT.table} --from {refusal.value.known}" in str(refusal.value)
    assert location_in_catalogue(database_url) == made.metadata_location


@on_folder
def test_logs_that_forget_are_followed_to_older_ones(
    store: OfflineStore, database_url: str
) -> None:
    """A log has a hundred states, so 250 commits are more than two logs."""
    begun = name_of(commit(store, "one").metadata_location)
    names = [begun, *committed_by_others(store, 250)]
    newest = names[-1]
    assert len(the_table(store).metadata.metadata_log) == 100

    for behind in (99, 100, 101, 199, 200, 201, 250):
        write_hint_of(store, names[-1 - behind])
        assert find_table(store, SLOT.table) is not None
    for behind in (99, 100, 101, 199, 200, 201, 250):
        write_hint_of(store, newest)
        turn_back(database_url, location_of(store, names[-1 - behind]))
        with pytest.raises(CatalogueOutdated):
            find_table(store, SLOT.table)
        assert [each.table for each in restore_tables(store)] == [SLOT.table]
        assert location_in_catalogue(database_url) == location_of(store, newest)

    turn_back(database_url, location_of(store, names[50]))
    committed_by_others(store, 1)
    with pytest.raises(CatalogueForked):
        find_table(store, SLOT.table)


def lose_hint(store: OfflineStore, content: str | None = None) -> None:
    if content is None:
        store.files.delete(hint_key(SLOT.table))
    else:
        write_hint_of(store, content)


def test_a_commit_reads_the_hint_once(database_url: str, s3: S3Server) -> None:
    with a_proxied_bucket(s3) as bucket:
        region = bucket.variables["AWS_REGION"]
        place = Place(database_url, bucket.url, s3_endpoint=bucket.proxy.endpoint, s3_region=region)
        store = open_store(place)
        commit(store, "one")
        run = a_run(store, "two")
        bucket.proxy.calls.clear()

        commit_run(store, NUMBERS, run)

        reads = [call for call in bucket.proxy.calls if call.key.endswith("version-hint.text")]
        assert [call.method for call in reads if not call.is_write] == ["HEAD", "GET"]
