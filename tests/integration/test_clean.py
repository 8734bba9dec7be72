"""`ontem store clean`: what nothing names goes, and nothing else."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from pyiceberg.table import StaticTable

from features_pkg.models.manifest import LAYOUT
from jobs.snapshot.facts import Parent
from stores.offline.expiry import expire, expiry_of
from stores.offline.removal import remove_empty_folders
from stores.offline.revisions import Revision, newest_revision, tagged_revisions
from stores.offline.runs import run_folder
from stores.offline.tables import find_table, write_hint
from stores.postgres.loads import mark_withdrawn
from tests.integration.cleaning_shop import (
    EVENT,
    FOREVER,
    TRAINING,
    CleaningShop,
    Facts,
    a_day,
)


@pytest.fixture
def shop(cleaning_shop: CleaningShop) -> CleaningShop:
    return cleaning_shop


def test_what_nothing_names_goes_and_all_revisions_stay(shop: CleaningShop) -> None:
    for slot in (a_day(1), a_day(1), a_day(2), TRAINING, TRAINING, EVENT):
        shop.commit(slot)
    named = shop.present()
    shop.write(a_day(3), [b"of a killed run"])
    files, metadata = shop.store.files, f"tables/{TRAINING.table}/metadata"
    leftovers = {
        "runs/snapshots/dead/_temporary/0/part-9.parquet",
        "runs/events/.part-1.parquet.draft",
        f"{metadata}/00009-never-taken.metadata.json",
        f"{metadata}/snap-9-never-taken.avro",
        f"tables/{TRAINING.table}/data/never-taken.parquet",
    }
    beside = {"runs-of-old/a", "tablets/b", "note.txt"}
    for key in leftovers | beside:
        files.write(key, b"12345")
    leftovers |= shop.present() - named
    plan = shop.clean(dry_run=True)
    assert shop.present() == named | leftovers

    done = shop.clean()

    assert {each.key for each in done.removable} == {each.key for each in plan.removable}
    assert {each.key for each in done.removable} == leftovers
    assert leftovers.isdisjoint(shop.present())
    assert all(files.exists(key) for key in beside)
    assert shop.names(a_day(1)) == ["2018-06-01.r1", "2018-06-01.r2", "2018-06-02.r1"]
    shop.check_whole()


def test_folders_of_runs_that_have_nothing_in_them_go_once_they_are_old(shop: CleaningShop) -> None:
    if not shop.store.files.is_folder:
        return  # a bucket has no folders
    run = shop.commit(a_day(1))
    failed = Path(shop.store.files.base) / "runs" / "snapshots" / "failed"
    (failed / "shuffled").mkdir(parents=True)
    shop.clean(dry_run=True)
    assert failed.is_dir()
    remove_empty_folders(shop.store.files, datetime.now(UTC) - timedelta(days=1))
    assert failed.is_dir()

    shop.clean()

    assert [path.name for path in failed.parent.iterdir()] == [run.run]


def test_a_second_cleaning_removes_the_metadata_that_the_first_one_spared_and_a_third_nothing(
    shop: CleaningShop,
) -> None:
    for _ in range(3):
        shop.commit(TRAINING)
    shop.clean(expire=FOREVER)
    second = shop.clean(expire=FOREVER)

    assert all("/metadata/" in each.key for each in second.removable)
    assert second.removable
    assert shop.clean(expire=FOREVER).is_empty
    shop.check_whole()


def test_of_old_days_the_newest_stays_and_the_table_shows_what_has_a_revision(
    shop: CleaningShop,
) -> None:
    gone = [shop.commit(a_day(1), b"1"), shop.commit(a_day(1), b"11"), shop.commit(a_day(2), b"2")]
    old = shop.commit(a_day(3), b"3")
    before = datetime.now(UTC)
    shop.commit(a_day(3), b"33")
    shop.commit(a_day(4), b"4")

    plan = shop.clean(expire=before, dry_run=True)
    done = shop.clean(expire=before)

    assert done == plan
    assert shop.names(a_day(1)) == ["2018-06-03.r2", "2018-06-04.r1"]
    assert shop.rows(a_day(1)) == [("2018-06-03", b"33"), ("2018-06-04", b"4")]
    for each in (*gone, old):
        assert not shop.store.files.list(run_folder("snapshots", each.run))
    shop.check_whole()
    shop.clean(expire=FOREVER)
    assert shop.names(a_day(1)) == ["2018-06-04.r1"]
    assert shop.commit(a_day(1), b"again").number == 1
    assert shop.rows(a_day(1)) == [("2018-06-01", b"again"), ("2018-06-04", b"4")]


def test_a_snapshot_that_a_load_in_use_names_stays_with_its_metadata(shop: CleaningShop) -> None:
    revisions = [shop.commit(a_day(day), bytes([day])) for day in range(1, 7)]
    loads = [shop.load(each) for each in revisions[:5]]
    mark_withdrawn(shop.connection, loads[4].load_id)
    unfinished = shop.commit(a_day(5), b"of a night that was killed")
    shop.load(unfinished, published=False)
    table = shop.store.catalogue.load_table(("ontem", a_day(1).table))
    with table.transaction() as forgetful:  # it names no earlier metadata but the last
        forgetful.set_properties({"write.metadata.previous-versions-max": "1"})
    write_hint(shop.store, table)

    shop.clean(expire=FOREVER)
    shop.clean(expire=FOREVER)

    days = ["2018-06-02.r1", "2018-06-03.r1", "2018-06-04.r1", "2018-06-05.r2", "2018-06-06.r1"]
    assert shop.names(a_day(1)) == days
    known = {each.metadata_location.rpartition("/")[2] for each in (*revisions, unfinished)}
    there = {key.rpartition("/")[2] for key in shop.present()} & known
    named = (*revisions[1:4], unfinished)
    assert there == {each.metadata_location.rpartition("/")[2] for each in named}
    for each in revisions[1:4]:
        properties = shop.store.catalogue.properties
        state = StaticTable.from_metadata(each.metadata_location, properties)
        rows = state.scan(snapshot_id=each.snapshot_id).to_arrow()["entity"].to_pylist()
        assert rows == [bytes([int(each.slot.partition[-1])])]
    shop.check_whole()


def test_a_hint_that_is_far_behind_is_put_right_before_what_it_names_goes(
    shop: CleaningShop,
) -> None:
    """Else the next commit would find a hint of a state that nothing names any more."""
    made = shop.commit(TRAINING)
    table = shop.store.catalogue.load_table(("ontem", TRAINING.table))
    for number in range(4):  # by somebody who writes no hint and has a short log
        with table.transaction() as forgetful:
            properties = {"write.metadata.previous-versions-max": "1", "n": str(number)}
            forgetful.set_properties(properties)

    shop.clean()

    assert shop.store.files.key_of(made.metadata_location) not in shop.present()
    assert shop.commit(TRAINING).number == 2


def test_the_state_before_goes_with_the_days_that_it_still_had(shop: CleaningShop) -> None:
    for day in (1, 2, 3):
        shop.commit(a_day(day))
    table = find_table(shop.store, a_day(1).table)
    assert table is not None
    revisions = tagged_revisions(table)

    head = table.metadata.current_snapshot_id
    long_ago = datetime(2018, 1, 1, tzinfo=UTC)
    expiry = expiry_of(table, revisions, revisions[:2], kept_ids=(), untagged_before=long_ago)
    expire(table, expiry)

    assert expiry.partitions == ("2018-06-01", "2018-06-02")
    assert head in expiry.snapshot_ids
    assert [day for day, _ in shop.rows(a_day(1))] == ["2018-06-03"]
    table.refresh()
    assert table.metadata.snapshot_by_id(head or 0) is None
    for snapshot in table.metadata.snapshots[-2:]:
        days = table.scan(snapshot_id=snapshot.snapshot_id).to_arrow()["as_of"].to_pylist()
        assert days == [date(2018, 6, 3)]


def test_an_older_revision_that_is_named_keeps_the_newest_of_its_day(shop: CleaningShop) -> None:
    shop.load(shop.commit(a_day(1), b"named"))
    shop.commit(a_day(1), b"shown")
    shop.commit(a_day(2), b"newest")

    shop.clean(expire=FOREVER)

    assert shop.names(a_day(1)) == ["2018-06-01.r1", "2018-06-01.r2", "2018-06-02.r1"]
    assert shop.rows(a_day(1))[0] == ("2018-06-01", b"shown")


def test_a_training_set_that_a_model_names_stays(shop: CleaningShop) -> None:
    made = [shop.commit(TRAINING, bytes([n])) for n in range(6)]
    # Another version of Ontem trained it, and what it was made from stays all the same.
    shop.model("by-name", training_set=made[1].name, layout=LAYOUT - 1)
    shop.model("by-id", training_set_snapshot_id=made[2].snapshot_id)
    trained(shop, made[3].name, "done")
    trained(shop, made[4].name, "failed")

    shop.clean(expire=FOREVER)

    assert shop.names(TRAINING) == ["r2", "r3", "r4", "r6"]
    assert shop.commit(TRAINING).number == 7
    shop.check_whole()


def trained(shop: CleaningShop, revision: str, outcome: str | None) -> None:
    """The record of a training that reads a revision."""
    shop.connection.execute(
        "INSERT INTO runs (command, day, timelines, entity_key_id, started_by, session_pid,"
        " revision, outcome, ended_at) VALUES ('train', '2018-06-01', 't', 'k', 'me', 1, %s, %s,"
        " CASE WHEN %s::text IS NOT NULL THEN now() END)",
        (revision, outcome, outcome),
    )


def test_extractions_go_once_a_full_one_after_them_is_old(shop: CleaningShop) -> None:
    for facts in (Facts(), Facts(1), Facts(2)):
        shop.commit(EVENT, f"{facts}".encode(), facts=facts)
    before = datetime.now(UTC)
    shop.commit(EVENT, b"full", facts=Facts())
    shop.commit(EVENT, b"more", facts=Facts(9))

    shop.clean(expire=before)
    assert shop.names(EVENT) == ["r1", "r2", "r3", "r4", "r5"]
    shop.clean(expire=FOREVER)
    assert shop.names(EVENT) == ["r4", "r5"]
    assert [entity for _, entity in shop.rows(EVENT)] == [b"full", b"more"]
    assert newest_revision(shop.store, EVENT) == 5
    shop.check_whole()


def test_a_tag_of_somebody_else_keeps_what_it_names(shop: CleaningShop) -> None:
    made = shop.commit(TRAINING, b"keep me")
    table = shop.store.catalogue.load_table(("ontem", TRAINING.table))
    table.manage_snapshots().create_tag(made.snapshot_id, "paper-2018").commit()
    shop.commit(TRAINING)

    shop.clean(expire=FOREVER)

    assert shop.names(TRAINING) == ["r2"]
    table.refresh()
    kept = table.scan(snapshot_id=table.metadata.refs["paper-2018"].snapshot_id).to_arrow()
    assert kept["entity"].to_pylist() == [b"keep me"]


def test_what_a_delta_stands_on_stays_with_it(shop: CleaningShop) -> None:
    revisions = chains_of_days(shop, [None, 1, 2, None, 4])

    plan = shop.clean(expire=FOREVER, dry_run=True)
    (expiry,) = plan.expiries.values()
    assert [each.name for each in expiry.revisions] == [each.name for each in revisions[:3]]

    load = shop.load(revisions[1])
    shop.clean(expire=FOREVER)
    assert shop.names(a_day(1)) == [f"2018-06-0{day}.r1" for day in (1, 2, 4, 5)]
    shop.check_whole()
    mark_withdrawn(shop.connection, load.load_id)
    shop.clean(expire=FOREVER)
    assert shop.names(a_day(1)) == ["2018-06-04.r1", "2018-06-05.r1"]


def test_what_somebodys_tag_of_a_delta_needs_stays(shop: CleaningShop) -> None:
    full, delta, _ = chains_of_days(shop, [None, 1, None])
    table = find_table(shop.store, full.slot.table)
    assert table is not None
    table.manage_snapshots().create_tag(delta.snapshot_id, "paper").commit()

    shop.clean(expire=FOREVER)

    assert shop.names(full.slot) == ["2018-06-01.r1", "2018-06-03.r1"]
    assert all(shop.store.files.exists(each.files[0].key) for each in (full, delta))


def chains_of_days(shop: CleaningShop, parents: list[int | None]) -> list[Revision[Facts]]:
    """A snapshot of each day from the first on; a number is that of the day it is a delta on."""
    made: list[Revision[Facts]] = []
    for day, number in enumerate(parents, 1):
        base = None if number is None else made[number - 1]
        parent = None if base is None else Parent(base.name, base.snapshot_id)
        made.append(shop.commit(a_day(day), b"%d" % day, facts=Facts(parent=parent)))
    return made
