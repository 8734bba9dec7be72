"""When `ontem store clean` can't know what is needed, it removes nothing and says what to do."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from pyiceberg.table import StaticTable

from features_pkg.errors import OntemError
from jobs.exit_codes import exit_code
from jobs.extract.run import LOCK_CLASS as EXTRACT_LOCK
from jobs.extract.run import lock_numbers
from jobs.store.age import LEAST_AGE
from jobs.store.clean import CLOCKS_DIFFER, cutoffs_at
from jobs.store.errors import LoadOfUnknownTable, ModelUnreadable
from jobs.store.plan import Cutoffs, removable
from stores.offline.commit import commit_run
from stores.offline.errors import (
    CatalogueLost,
    MetadataMissing,
    NamedDamaged,
    NamedElsewhere,
    NamedMissing,
    TableElsewhere,
    TablesUnknown,
)
from stores.offline.files import FoundFile
from stores.offline.metadata_files import name_of
from stores.offline.restoring import restore_from, restore_tables
from stores.offline.state_errors import CatalogueOutdated
from stores.offline.tables import OfflineStore, find_table, make_table, open_store
from stores.postgres.cleaning import CleanRunning, no_cleaning
from stores.postgres.loads import LOCK_CLASS as LOADS_LOCK
from stores.postgres.loads import lock_loads
from stores.postgres.runs import running_since
from tests.integration.cleaning_shop import (
    DEFINITIONS,
    EVENT,
    FOREVER,
    TRAINING,
    CleaningShop,
    a_cleaning_shop,
    a_day,
)
from tests.integration.offline_runs import Place
from tests.integration.test_clean import trained


@pytest.fixture
def shop(database_url: str, storage_url: str, tmp_path: Path) -> Iterator[CleaningShop]:
    with a_cleaning_shop(Place(database_url, storage_url), tmp_path) as made:
        made.commit(a_day(1))
        made.commit(a_day(2))
        made.commit(TRAINING)
        made.write(a_day(3), [b"of a killed run"])
        yield made


def lose(shop: CleaningShop, key: str) -> None:
    for each in shop.store.files.list(key):
        shop.store.files.delete(each)


def lose_the_metadata(shop: CleaningShop) -> None:
    lose(shop, f"tables/{TRAINING.table}")


def forget(shop: CleaningShop, *tables: str) -> None:
    query = "DELETE FROM iceberg_tables WHERE table_name = ANY (%s)"
    shop.connection.execute(query, (list(tables),))


def restore_an_older_backup(shop: CleaningShop) -> None:
    query = "SELECT metadata_location FROM iceberg_tables WHERE table_name = %s"
    ((location,),) = shop.connection.execute(query, (TRAINING.table,)).fetchall()
    shop.commit(TRAINING, b"after the backup")
    shop.connection.execute(
        "UPDATE iceberg_tables SET metadata_location = %s WHERE table_name = %s",
        (location, TRAINING.table),
    )


def lose_a_manifest(shop: CleaningShop) -> None:
    (key, *_) = [k for k in shop.store.files.list(f"tables/{TRAINING.table}") if "-m0.avro" in k]
    shop.store.files.delete(key)


def lose_a_list_of_manifests(shop: CleaningShop) -> None:
    (key, *_) = [k for k in shop.store.files.list(f"tables/{TRAINING.table}") if "/snap-" in k]
    shop.store.files.delete(key)


def damage_a_manifest(shop: CleaningShop) -> None:
    (key, *_) = [k for k in shop.store.files.list(f"tables/{TRAINING.table}") if "-m0.avro" in k]
    shop.store.files.write(key, b"")


def name_a_file_elsewhere(shop: CleaningShop) -> None:
    made = shop.write(TRAINING, [b"elsewhere"])
    other = shop.folder / "elsewhere.parquet"
    other.write_bytes(shop.store.files.read(made.files[0].key))
    table = find_table(shop.store, TRAINING.table)
    assert table is not None
    table.add_files([str(other)])


def break_a_model(shop: CleaningShop) -> None:
    shop.model("broken")
    shop.store.files.write("models/broken/manifest.json", b"{")


def lose_all_but_the_first_metadata(shop: CleaningShop) -> None:
    forget(shop, TRAINING.table)
    keys = shop.store.files.list(f"tables/{TRAINING.table}")
    for key in keys:
        if "/0000" in key and "/00000" not in key:
            shop.store.files.delete(key)


def lose_the_table_of_a_load(shop: CleaningShop) -> None:
    load = shop.load(shop.commit(a_day(4)))
    shop.connection.execute(
        "UPDATE loads SET timelines = %s, revision = 'snapshots_00@2018-06-04.r1'",
        (shop.cleaning.job.namespace.timelines,),
    )
    assert load.load_id


@pytest.mark.parametrize(
    ("harm", "error", "remedy"),
    [
        (lambda shop: forget(shop, TRAINING.table), CatalogueLost, "run `ontem store restore`"),
        (
            lambda shop: forget(shop, TRAINING.table, a_day(1).table),
            CatalogueLost,
            "run `ontem store restore`",
        ),
        (lose_the_metadata, MetadataMissing, "ontem store restore"),
        (
            lambda shop: (lose(shop, "tables"), forget(shop, TRAINING.table, a_day(1).table)),
            TablesUnknown,
            "bring these back",
        ),
        (
            lambda shop: shop.store.files.write("tables/lost/data/a.parquet", b"rows"),
            TablesUnknown,
            "tables/lost has files",
        ),
        (lose_all_but_the_first_metadata, TablesUnknown, "bring these back"),
        (
            lambda shop: (Path(shop.store.files.base) / "tables/lost").symlink_to("/not/mounted"),
            TablesUnknown,
            "tables/lost has files",
        ),
        (restore_an_older_backup, CatalogueOutdated, "restored from an older backup"),
        (lose_a_manifest, NamedMissing, "bring it back"),
        (lose_a_list_of_manifests, NamedMissing, "bring it back"),
        (damage_a_manifest, NamedDamaged, "bring it back"),
        (name_a_file_elsewhere, NamedElsewhere, "set ONTEM_STORAGE_URL"),
        (break_a_model, ModelUnreadable, "remove the folder if nobody needs the model"),
        (lose_the_table_of_a_load, LoadOfUnknownTable, "ontem store restore"),
    ],
)
def test_where_it_can_not_know_what_is_needed_nothing_is_removed(
    shop: CleaningShop,
    harm: Callable[[CleaningShop], object],
    error: type[OntemError],
    remedy: str,
) -> None:
    harm(shop)
    before = shop.present()

    for dry_run in (True, False):
        with pytest.raises(error, match=remedy) as refused:
            shop.clean(expire=FOREVER, dry_run=dry_run)
        assert exit_code(refused.value) == 1
    assert shop.present() == before


def test_a_store_of_another_root_is_refused(shop: CleaningShop, tmp_path: Path) -> None:
    place = replace(shop.place, storage_url=(tmp_path / "elsewhere").as_uri())
    shop.store = open_store(place)
    shop.store.files.write("runs/snapshots/of-others/part-0.parquet", b"rows")

    with pytest.raises(TableElsewhere, match="set ONTEM_STORAGE_URL"):
        shop.clean()
    assert shop.present() == {"runs/snapshots/of-others/part-0.parquet"}


def test_after_the_restored_catalogue_it_cleans(shop: CleaningShop) -> None:
    forget(shop, TRAINING.table, a_day(1).table)
    restore_tables(shop.store)

    assert [each.key for each in shop.clean().removable if each.key.endswith(".parquet")] == [
        "runs/snapshots/run3/part-0.parquet"
    ]
    shop.check_whole()


def test_what_is_left_beside_tables_refuses_nothing(shop: CleaningShop) -> None:
    """A table that a killed run was about to make, and a file that some desktop writes."""
    make_table(shop.store, EVENT.table, DEFINITIONS[EVENT.dataset])
    forget(shop, EVENT.table)
    hint, metadata = sorted(shop.store.files.list(f"tables/{EVENT.table}"), reverse=True)
    shop.store.files.write("tables/.DS_Store", b"1")

    gone = {each.key for each in shop.clean().removable}

    assert {hint, metadata, "tables/.DS_Store"} <= gone
    shop.check_whole()


def test_an_empty_store_has_nothing_to_clean(
    database_url: str, storage_url: str, tmp_path: Path
) -> None:
    with a_cleaning_shop(Place(database_url, storage_url), tmp_path) as empty:
        assert empty.clean(expire=FOREVER).is_empty


NOW = datetime(2018, 6, 1, tzinfo=UTC)
MONTH = timedelta(days=30)


@pytest.mark.parametrize(
    ("running", "older_than", "cutoffs"),
    [
        (None, None, Cutoffs(expire_before=None, remove_before=NOW - LEAST_AGE)),
        (None, MONTH, Cutoffs(expire_before=NOW - MONTH, remove_before=NOW - LEAST_AGE)),
        (
            NOW - 2 * LEAST_AGE,
            MONTH,
            Cutoffs(expire_before=NOW - MONTH, remove_before=NOW - 2 * LEAST_AGE - CLOCKS_DIFFER),
        ),
        (
            NOW - 2 * MONTH,
            MONTH,
            Cutoffs(
                expire_before=NOW - 2 * MONTH - CLOCKS_DIFFER,
                remove_before=NOW - 2 * MONTH - CLOCKS_DIFFER,
            ),
        ),
    ],
)
def test_what_is_younger_than_a_day_or_than_the_oldest_job_stays(
    running: datetime | None, older_than: timedelta | None, cutoffs: Cutoffs
) -> None:
    assert cutoffs_at(NOW, running, older_than) == cutoffs


def test_the_slowest_clock_decides(shop: CleaningShop) -> None:
    earlier = datetime.now(UTC)

    assert shop.cleaning.cutoffs(None).remove_before <= datetime.now(UTC) - LEAST_AGE
    assert shop.cleaning.cutoffs(None).remove_before >= earlier - 2 * LEAST_AGE


def test_a_run_that_still_writes_keeps_all_of_its_files(shop: CleaningShop) -> None:
    early, late = datetime(2018, 6, 1, tzinfo=UTC), datetime(2018, 6, 3, tzinfo=UTC)
    files = [
        FoundFile("runs/events/slow/part-0.parquet", 1, early),
        FoundFile("runs/events/slow/_temporary/part-1.parquet", 1, late),
        FoundFile("runs/events/dead/part-0.parquet", 1, early),
        FoundFile("tables/t/metadata/of-a-commit-that-is-under-way.avro", 1, late),
    ]

    going = removable(files, set(), datetime(2018, 6, 2, tzinfo=UTC))
    assert [each.key for each in going] == ["runs/events/dead/part-0.parquet"]


def _a_night(shop: CleaningShop, other: psycopg.Connection[tuple[object, ...]]) -> None:
    other.execute(
        "INSERT INTO runs (command, day, timelines, entity_key_id, started_by, session_pid,"
        " session_start) SELECT 'night', '2018-06-01', 't', 'k', 'me', pid, backend_start"
        " FROM pg_stat_activity WHERE pid = pg_backend_pid()"
    )


def _an_extraction(shop: CleaningShop, other: psycopg.Connection[tuple[object, ...]]) -> None:
    numbers = lock_numbers(shop.cleaning.job.namespace)
    other.execute("SELECT pg_advisory_lock(%s, %s)", numbers)


def _a_publication(shop: CleaningShop, other: psycopg.Connection[tuple[object, ...]]) -> None:
    lock_loads(other, "t")


@pytest.mark.parametrize("job", [_a_night, _an_extraction, _a_publication])
def test_a_job_that_runs_keeps_what_it_may_have_written(
    shop: CleaningShop, database_url: str, job: Callable[..., None]
) -> None:
    classes = [EXTRACT_LOCK, LOADS_LOCK]
    assert running_since(shop.connection, classes) is None
    with psycopg.connect(database_url, autocommit=True) as other:
        ((began,),) = other.execute(
            "SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()"
        ).fetchall()
        job(shop, other)

        assert running_since(shop.connection, classes) == began
        other.execute("SELECT pg_advisory_unlock_all()")
        other.execute("UPDATE runs SET outcome = 'done', ended_at = now()")
        assert running_since(shop.connection, classes) is None


def test_a_training_that_runs_or_was_killed_keeps_what_it_reads(shop: CleaningShop) -> None:
    trained(shop, f"{TRAINING.table}@r1", None)
    shop.commit(TRAINING)

    shop.clean(expire=FOREVER)

    assert shop.names(TRAINING) == ["r1", "r2"]


def test_a_second_cleaning_at_once_is_refused(shop: CleaningShop, tmp_path: Path) -> None:
    with a_cleaning_shop(shop.place, tmp_path) as other:
        shop.cleaning.lock()

        with pytest.raises(CleanRunning, match="run the same command again") as refused:
            other.cleaning.lock()
    assert exit_code(refused.value) == 5


def test_no_cleaning_begins_while_a_training_is_recorded(
    shop: CleaningShop, tmp_path: Path
) -> None:
    with a_cleaning_shop(shop.place, tmp_path) as training:
        block = no_cleaning(training.connection, training.said.append)
        with block, pytest.raises(CleanRunning):
            shop.cleaning.lock()
        shop.cleaning.lock()
    assert training.said == []


def test_a_commit_between_is_neither_lost_nor_expired(shop: CleaningShop) -> None:
    store, find = shop.store, shop.store.catalogue.load_table
    for _ in range(3):
        shop.commit(TRAINING)
    written = [shop.write(slot, [b"between"]) for slot in (TRAINING, a_day(1), EVENT)]
    crowd = iter(written)

    class Crowded:
        """A catalogue in which another run commits whenever a table is about to expire."""

        def __getattr__(self, name: str) -> object:
            return getattr(store.catalogue, name)

        def load_table(self, identifier: tuple[str, str]) -> object:
            table = find(identifier)
            if any("look at" in said for said in shop.said) and (run := next(crowd, None)):
                commit_run(store, DEFINITIONS[run.slot.dataset], run)
            return table

    shop.store = OfflineStore(store.files, Crowded())  # type: ignore[arg-type]
    shop.clean(expire=FOREVER)
    shop.store = store

    assert next(crowd, None) is None
    for slot in (TRAINING, a_day(1), EVENT):
        assert ("2018-06-01", b"between") in shop.rows(slot)
    shop.check_whole()
    assert {run.files[0].key for run in written} <= shop.present()


def test_what_a_symbolic_link_leads_to_is_never_removed(shop: CleaningShop) -> None:
    precious = shop.folder / "precious"
    (precious / "deep").mkdir(parents=True)
    (precious / "deep" / "thesis.parquet").write_text("years of work")
    root = Path(shop.store.files.base)
    (root / "runs" / "snapshots" / "link").symlink_to(precious, target_is_directory=True)
    (root / "runs" / "snapshots" / "file").symlink_to(precious / "deep" / "thesis.parquet")

    done = shop.clean(expire=FOREVER)

    assert not any("deep" in each.key for each in done.removable)
    assert (precious / "deep" / "thesis.parquet").read_text() == "years of work"
    assert not (root / "runs" / "snapshots" / "link").is_symlink()


def test_a_symbolic_link_to_what_tables_name_stays(shop: CleaningShop, tmp_path: Path) -> None:
    """As when a folder was moved to another disk: readers follow the link."""
    root = Path(shop.store.files.base)
    moved = (root / "runs" / "snapshots", root / "tables" / TRAINING.table)
    for number, folder in enumerate(moved):
        folder.rename(tmp_path / f"disk{number}")
        folder.symlink_to(tmp_path / f"disk{number}", target_is_directory=True)

    plan = shop.clean()

    assert all(folder.is_symlink() for folder in moved)
    assert plan.missing == ()
    assert plan.links == ("runs/snapshots", f"tables/{TRAINING.table}")
    assert f"  {plan.links[0]} is a symbolic link: it stays, and nothing behind it is removed" in (
        shop.said
    )
    shop.check_whole()


def test_what_a_model_names_stays_when_the_catalogue_has_it_no_more(shop: CleaningShop) -> None:
    """As when the database was restored from an older backup, and that state was chosen."""
    query = "SELECT metadata_location FROM iceberg_tables WHERE table_name = %s"
    ((older,),) = shop.connection.execute(query, (TRAINING.table,)).fetchall()
    made = shop.commit(TRAINING, b"of a model")
    shop.model(
        "one",
        training_set=made.name,
        training_set_snapshot_id=made.snapshot_id,
        training_set_metadata_location=made.metadata_location,
    )
    restore_from(shop.store, TRAINING.table, name_of(older))
    shop.commit(TRAINING, b"after the backup")
    table = find_table(shop.store, TRAINING.table)
    assert table is not None
    assert made.snapshot_id not in {each.snapshot_id for each in table.metadata.snapshots}

    for _ in range(2):
        shop.clean(expire=FOREVER)

    properties = shop.store.catalogue.properties
    before = StaticTable.from_metadata(made.metadata_location, properties)
    rows = before.scan(snapshot_id=made.snapshot_id).to_arrow()
    assert rows["entity"].to_pylist() == [b"of a model"]
    assert shop.store.files.exists(f"runs/training_sets/{made.run}/files.json")

    snapshot = before.metadata.current_snapshot()
    assert snapshot is not None
    Path(snapshot.manifest_list).unlink()  # nobody can read that state any more
    assert made.files[0].key in {each.key for each in shop.clean().removable}
