"""What `ontem train` asks for and what it says to do next."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from pyiceberg.table import StaticTable

from features_pkg.models.bundle import PAGE
from features_pkg.models.loading import load_model
from jobs.training_set.facts import training_set_slot
from ontem.cli import main
from stores.offline.models import StoredModels
from stores.offline.revisions import TaggedRevision, tagged_revisions
from stores.offline.tables import OfflineStore, find_table, open_store
from stores.postgres.cleaning import lock_cleaning
from stores.postgres.connection import connect
from stores.postgres.runs import newest_runs, trained_revisions
from tests.integration.history import a_job
from tests.model_keys import BOTH, SIGNING_KEY, VERIFY_KEYS
from tests.unit.trained_models import FEATURES, MATURITY, a_training_set, committed

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
        **BOTH,
    }
    return lambda *words, env=None: CliRunner(env=environ | (env or {})).invoke(
        main, ["train", *words]
    )


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


def test_training_stores_a_signed_model_and_says_how_it_comes_to_serve(
    store: OfflineStore, database_url: str, tmp_path: Path, train: Callable[..., Result]
) -> None:
    committed(store, a_training_set(orders=1500))

    result = train("--training-set", "1", "--output", "copy", "--without-velocity")

    assert result.exit_code == 0, result.output
    models, source = StoredModels(store.files), newest(store)
    (name,) = models.names()
    for folder in (Path(models.location(name)), tmp_path / "copy"):
        manifest = load_model(folder, FEATURES, VERIFY_KEYS).manifest
        assert manifest.training_set == source.name
        assert manifest.training_set_snapshot_id == source.snapshot_id
    state = StaticTable.from_metadata(manifest.training_set_metadata_location)
    assert state.scan(snapshot_id=source.snapshot_id).count() == 1500
    with connect(database_url, application_name="test") as connection:
        (run,) = newest_runs(connection, 9)
        assert trained_revisions(connection) == {source.name}
    assert (run.command, run.outcome, run.revision) == ("train", "done", source.name)
    assert f"{run.day}" == "2018-02-10"
    assert f"model {name} in {models.location(name)}" in result.stdout
    assert f"for a browser: {models.page(name)}\n" in result.stdout
    copied = (tmp_path / "copy").resolve() / PAGE
    assert f"its page is also in {copied}\n" in result.stdout
    assert copied.read_bytes() == Path(models.page(name)).read_bytes()
    last = result.stdout.splitlines()[-1]
    ship = f"`ontem models ship {name}` and `ontem models use {name}`"
    assert last == f"Next: {ship}, or set ONTEM_MODEL to {(tmp_path / 'copy').resolve()}"


def test_training_again_writes_nothing_and_another_model_takes_no_folder(
    store: OfflineStore, train: Callable[..., Result]
) -> None:
    committed(store, a_training_set(orders=1500))
    words = ("--training-set", "1", "--output", "copy", "--without-velocity")
    first = train(*words)
    before = store.files.find("models")

    assert train(*words).stdout == first.stdout
    assert store.files.find("models") == before
    other = train(*words, "--seed", "2")
    assert other.exit_code == 1
    assert "copy has another model, which is not replaced" in other.stderr
    assert len(StoredModels(store.files).names()) == 1


def test_a_folder_that_takes_no_model_is_refused_before_orders_are_read(
    store: OfflineStore, database_url: str, tmp_path: Path, train: Callable[..., Result]
) -> None:
    committed(store, a_training_set(orders=1500))
    (tmp_path / "notes").write_text("a file, and no folder")

    refused = train("--training-set", "1", "--output", "notes/copy")

    assert refused.exit_code == 1
    assert "--output notes/copy: nothing can be written into notes (Not a dir" in refused.stderr
    with connect(database_url, application_name="test") as connection:
        assert newest_runs(connection, 1) == []


def test_a_sample_is_printed_and_a_share_is_refused(
    store: OfflineStore, train: Callable[..., Result]
) -> None:
    committed(store, a_training_set(orders=1500))
    words = ("--training-set", "1", "--without-velocity", "--sample")

    share = train(*words, "10%")
    assert share.exit_code == 2
    assert "'10%' is not a number of orders; write how many the model is fitted on" in share.stderr
    small = train(*words, "10")
    assert small.exit_code == 1
    assert "a sample of 10 orders has no room" in small.stderr
    done = train(*words, "0,800")
    assert done.exit_code == 0, done.output
    assert "  fitted on a sample of 800 orders: all " in done.stdout
    assert "each of which counts " in done.stdout


def test_training_without_a_key_to_sign_with_names_the_variable_before_it_works(
    store: OfflineStore, train: Callable[..., Result]
) -> None:
    committed(store, a_training_set(orders=1500))

    unsigned = train("--training-set", "1", env={"ONTEM_MODEL_SIGNING_KEY": ""})
    assert (unsigned.exit_code, unsigned.stderr.split(":")[1]) == (
        3,
        " ONTEM_MODEL_SIGNING_KEY is not set",
    )
    others = train("--training-set", "1", env={"ONTEM_MODEL_VERIFY_KEYS": "00" * 32})
    assert others.exit_code == 3
    assert f"would not be served: add {SIGNING_KEY.public.hex()}" in others.stderr
    assert StoredModels(store.files).names() == []


def test_the_report_compares_with_the_model_that_serves(
    store: OfflineStore, train: Callable[..., Result]
) -> None:
    committed(store, a_training_set(orders=1500))
    train("--training-set", "1", "--output", "served", "--without-velocity")
    (served,) = StoredModels(store.files).names()

    result = train("--training-set", "1", env={"ONTEM_MODEL": "served"})

    assert result.exit_code == 0, result.output
    (name,) = set(StoredModels(store.files).names()) - {served}
    report = store.files.read(f"models/{name}/report.md").decode()
    assert f"| metric | {name} | {served} (current) |" in report
    assert "| ROC AUC | 1.0000 | 0." in report
    plain = store.files.read(f"models/{served}/report.md").decode()
    assert "Not compared with a current model: no model is current." in plain
