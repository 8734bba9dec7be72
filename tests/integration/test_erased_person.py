"""A person's rows are erased by the steps of docs/offline-store.md: no byte of the key is left."""

from datetime import UTC, datetime

import pytest
from pyiceberg.expressions import EqualTo

from jobs.job import StageTimer
from jobs.store.clean import clean
from jobs.store.plan import Cutoffs
from stores.offline.metadata_files import metadata_key, name_of
from stores.offline.restoring import restore_from, restore_tables
from stores.offline.revisions import tagged_revisions
from stores.offline.state_errors import StateIncomplete
from stores.offline.tables import find_table
from stores.postgres.loads import mark_withdrawn
from tests.integration.cleaning_shop import (
    EVENT,
    TRAINING,
    CleaningShop,
    Facts,
    a_day,
)
from tests.integration.outdated_tables import location_in_catalogue, turn_back

PERSON = bytes.fromhex("5e1f00d1aced0ddba11f00dcafe5eedfacade5ca1ab1edea")
OTHERS = (b"another customer", b"a third one")
TABLES = (a_day(1), TRAINING, EVENT)


@pytest.fixture
def shop(cleaning_shop: CleaningShop) -> CleaningShop:
    for day in (1, 2, 2):
        cleaning_shop.commit(a_day(day), PERSON, *OTHERS)
    cleaning_shop.commit(TRAINING, *OTHERS, PERSON)
    cleaning_shop.commit(TRAINING, OTHERS[0], PERSON)
    cleaning_shop.commit(EVENT, PERSON, *OTHERS)
    cleaning_shop.commit(EVENT, PERSON, facts=Facts(1))
    return cleaning_shop


def with_the_person(shop: CleaningShop) -> list[str]:
    """The keys of all files in which the person's key is, as it is or in hex."""
    needles = (PERSON, PERSON.hex().encode(), PERSON[:8])
    keys = (*shop.store.files.list("runs"), *shop.store.files.list("tables"))
    return [key for key in keys if any(each in shop.store.files.read(key) for each in needles)]


def erase(shop: CleaningShop) -> None:
    """The steps of the page, which take PyIceberg alone."""
    for slot in TABLES:
        table = find_table(shop.store, slot.table)
        assert table is not None
        table.delete(EqualTo("entity", PERSON))  # type: ignore[call-arg] # as the page has it
        with table.manage_snapshots() as refs:
            for tag in [name for name, ref in table.metadata.refs.items() if name != "main"]:
                refs.remove_tag(tag)


def test_after_the_erasure_and_a_cleaning_no_byte_of_the_key_is_left(shop: CleaningShop) -> None:
    assert len(with_the_person(shop)) == 7
    erase(shop)

    shop.clean()

    assert with_the_person(shop) == []
    assert shop.rows(a_day(1)) == sorted(
        (f"2018-06-0{day}", entity) for day in (1, 2) for entity in OTHERS
    )
    assert [entity for _, entity in shop.rows(EVENT)] == sorted(OTHERS)
    assert [entity for _, entity in shop.rows(TRAINING)] == [OTHERS[0]]
    shop.check_whole()
    shop.clean()
    shop.check_whole()


def test_a_backup_from_before_the_erasure_does_not_bring_the_rows_back(shop: CleaningShop) -> None:
    """The erasure writes no hint; a cleaning does, also one that finds nothing old enough."""
    before = {
        slot.table: location_in_catalogue(shop.place.postgres_url, slot.table) for slot in TABLES
    }
    erase(shop)
    cleaning = Cutoffs(expire_before=None, remove_before=datetime(2018, 6, 1, tzinfo=UTC))
    assert clean(shop.cleaning, cleaning, StageTimer(shop.said.append)).is_empty
    for table, location in before.items():
        turn_back(shop.place.postgres_url, location, table)

    restore_tables(shop.store)
    for slot in TABLES:
        assert PERSON not in [entity for _, entity in shop.rows(slot)]


def test_a_state_from_before_the_erasure_is_not_gone_on_from(shop: CleaningShop) -> None:
    """Its metadata file is there, for it is in the log, but the files with the rows are gone."""
    url = shop.place.postgres_url
    before = {slot.table: name_of(location_in_catalogue(url, slot.table)) for slot in TABLES}
    erase(shop)
    shop.clean()
    for table, name in before.items():
        assert shop.store.files.exists(metadata_key(table, name))
        with pytest.raises(StateIncomplete, match="choose a newer one"):
            restore_from(shop.store, table, name)
        present = location_in_catalogue(url, table)
        assert restore_from(shop.store, table, present).after == present
    shop.check_whole()


def test_what_a_load_or_a_model_names_is_left_until_they_are_gone(shop: CleaningShop) -> None:
    day, training = (find_table(shop.store, slot.table) for slot in (a_day(1), TRAINING))
    assert day is not None
    assert training is not None
    newest = shop.commit(a_day(3), PERSON, *OTHERS)
    load = shop.load(newest)
    source = tagged_revisions(training)[-1]
    shop.model("trained", training_set_snapshot_id=source.snapshot_id)
    erase(shop)

    shop.clean()
    runs = {key.split("/")[2] for key in with_the_person(shop)}
    assert runs == {newest.run, source.run}

    mark_withdrawn(shop.connection, load.load_id)
    shop.store.files.delete_folder("models/trained")
    shop.clean()
    assert with_the_person(shop) == []
    shop.check_whole()


def test_a_day_that_is_built_again_afterwards_replaces_what_was_left_of_it(
    shop: CleaningShop,
) -> None:
    erase(shop)

    assert shop.commit(a_day(1), b"built again").number == 1
    shop.clean()
    assert ("2018-06-01", OTHERS[0]) not in shop.rows(a_day(1))
    assert ("2018-06-01", b"built again") in shop.rows(a_day(1))
