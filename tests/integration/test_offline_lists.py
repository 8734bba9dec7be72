"""A table whose lists of files are lost or damaged: who would commit to it is told which."""

from collections.abc import Callable

import pytest

from jobs.endings import ending_of
from stores.offline.errors import NamedDamaged, NamedMissing, OfflineError
from stores.offline.metadata_files import name_of
from stores.offline.restoring import restore_from
from stores.offline.revisions import read_revision
from stores.offline.tables import OfflineStore
from tests.integration.offline_runs import SLOT, Facts, commit, the_table

Harm = Callable[[OfflineStore, str], None]


def lose(store: OfflineStore, key: str) -> None:
    store.files.delete(key)


def empty(store: OfflineStore, key: str) -> None:
    store.files.write(key, b"")


def cut(store: OfflineStore, key: str) -> None:
    store.files.write(key, store.files.read(key)[:-40])


def flip(store: OfflineStore, key: str) -> None:
    content = bytearray(store.files.read(key))
    content[len(content) // 2] ^= 0xFF
    store.files.write(key, bytes(content))


def list_key(store: OfflineStore, *, of_rows: bool) -> str:
    """What the newest state names: the list of its manifests, or the manifest with the rows."""
    snapshot = the_table(store).current_snapshot()
    assert snapshot is not None
    manifests = snapshot.manifests(the_table(store).io)
    location = manifests[0].manifest_path if of_rows else snapshot.manifest_list
    key = store.files.key_of(location)
    assert key is not None
    return key


@pytest.mark.parametrize("of_rows", [False, True])
@pytest.mark.parametrize(
    ("harm", "error"),
    [(lose, NamedMissing), (empty, NamedDamaged), (cut, NamedDamaged), (flip, NamedDamaged)],
)
def test_a_commit_beside_a_list_that_is_lost_or_damaged_names_it_and_changes_nothing(
    store: OfflineStore,
    harm: Harm,
    error: type[OfflineError],
    of_rows: bool,  # noqa: FBT001  a parameter of the test
) -> None:
    made = commit(store)
    key = list_key(store, of_rows=of_rows)
    harm(store, key)

    with pytest.raises(error, match=key) as refused:
        commit(store, "second")
    ending = ending_of(refused.value)
    assert ending is not None
    assert ending.exit_code == 1
    assert f"ontem store restore --table {SLOT.table} --from" in ending.sentence
    assert the_table(store).metadata_location == made.metadata_location


@pytest.mark.parametrize("harm", [lose, flip])
def test_a_table_goes_on_from_the_state_before_the_damage(store: OfflineStore, harm: Harm) -> None:
    made = [commit(store, note) for note in ("first", "second")]
    harm(store, list_key(store, of_rows=True))

    restore_from(store, SLOT.table, name_of(made[0].metadata_location))

    again = commit(store, "third")
    assert again.number == 2
    assert read_revision(store, again.name, Facts).facts.note == "third"
