"""What `ontem train` asks for and what it says to do next."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from pyiceberg.table import StaticTable

from jobs.training_set.facts import training_set_slot
from ontem.cli import main
from stores.offline.revisions import TaggedRevision, tagged_revisions
from stores.offline.tables import OfflineStore, find_table, open_store
from stores.postgres.cleaning import lock_cleaning
from stores.postgres.connection import connect
from stores.postgres.runs import newest_runs, trained_revisions
from tests.integration.history import a_job
from tests.unit.trained_models import FEATURES, MATURITY, a_training_set, committed, manifest_of

WAITING = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


@pytest.fixture
def store(database_url: str, storage_url: str) -> OfflineStore:
    return open_store(a_job(database_url, "redis://127.0.0.1:1", storage_url).settings)


@pytest.fixture
def train(
    database_url: str, storage_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Result]:
    """`ontem train` with those words."""
    (tmp_path / ".ontem").mkdir()
    monkeypatch.chdir(tmp_path)
    environ = {
        "ONTEM_POSTGRES_URL": database_url,
        "ONTEM_ENVIRONMENT": "development",
        "ONTEM_REDIS_URL": "redis://127.0.0.1:1",
        "ONTEM_STORAGE_URL": storage_url,
        "ONTEM_ENTITY_KEY": "0a" * 32,
        "LABEL_MATURITY_DAYS": str(MATURITY.days),
    }
    return lambda *words: CliRunner(env=environ).invoke(main, ["train", *words])


def test_training_without_a_name_lists_the_training_sets(
    store: OfflineStore, train: Callable[..., Result]
) -> None:
    for orders in (1500, 1600):
        committed(store, a_training_set(orders=orders))

    result = train()

    assert result.exit_code == 1
    assert "name the training set with --training-set REVISION" in result.stderr
    assert "1 (2018-01-01 to 2018-02-10, 1,500 orders), 2 (2018-01-01" in result.stderr


def newest(store: OfflineStore) -> TaggedRevision:
    table = find_table(store, training_set_slot(FEATURES.version).table)
    assert table is not None
    return tagged_revisions(table)[-1]


def test_a_training_that_fails_keeps_no_training_set(
    store: OfflineStore, database_url: str, train: Callable[..., Result]
) -> None:
    committed(store, a_training_set(days=2, orders=1500))

    assert train("--training-set", "1").exit_code == 1
    with connect(database_url, application_name="test") as connection:
        assert newest_runs(connection, 1)[0].outcome == "failed"
        assert trained_revisions(connection) == frozenset()


def test_a_training_waits_for_a_cleaning_and_then_does_not_find_what_went(
    store: OfflineStore, database_url: str, train: Callable[..., Result]
) -> None:
    for orders in (1500, 1600):
        committed(store, a_training_set(orders=orders))
    table = find_table(store, training_set_slot(FEATURES.version).table)
    assert table is not None
    with connect(database_url, application_name="test") as cleaning, ThreadPoolExecutor() as pool:
        lock_cleaning(cleaning)
        training = pool.submit(train, "--training-set", "1")
        while not cleaning.execute(WAITING).fetchall():
            cleaning.rollback()
        assert newest_runs(cleaning, 1) == []
        table.manage_snapshots().remove_tag("r1").commit()
        cleaning.close()
        result = training.result()

    assert result.exit_code == 1
    assert "waiting for `ontem store clean`" in result.stdout
    assert "there is no" in result.stderr


@pytest.mark.parametrize(
    ("output", "next_step"),
    [
        (".ontem/models/first", "`ontem models ship first` and `ontem models use first`, or set"),
        ("elsewhere", "set"),
    ],
)
def test_training_says_how_its_model_comes_to_serve(
    store: OfflineStore,
    database_url: str,
    tmp_path: Path,
    train: Callable[..., Result],
    output: str,
    next_step: str,
) -> None:
    committed(store, a_training_set(orders=1500))

    result = train("--training-set", "1", "--output", output, "--without-velocity")

    assert result.exit_code == 0, result.output
    manifest, source = manifest_of(tmp_path / output), newest(store)
    assert manifest.training_set == source.name
    assert manifest.training_set_snapshot_id == source.snapshot_id
    state = StaticTable.from_metadata(manifest.training_set_metadata_location)
    assert state.scan(snapshot_id=source.snapshot_id).count() == 1500
    with connect(database_url, application_name="test") as connection:
        (run,) = newest_runs(connection, 9)
        assert trained_revisions(connection) == {source.name}
    assert (run.command, run.outcome, run.revision) == ("train", "done", source.name)
    assert f"{run.day}" == "2018-02-10"
    last = result.stdout.splitlines()[-1]
    assert last == f"Next: {next_step} ONTEM_MODEL to {(tmp_path / output).resolve()}"
