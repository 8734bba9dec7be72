"""What `ontem train` asks for and what it says to do next."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ontem.cli import main
from stores.offline.tables import OfflineStore, open_store
from tests.integration.history import a_job
from tests.unit.trained_models import MATURITY, a_training_set, committed


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


@pytest.mark.parametrize(
    ("output", "next_step"),
    [
        (".ontem/models/first", "`ontem models ship first` and `ontem models use first`, or set"),
        ("elsewhere", "set"),
    ],
)
def test_training_says_how_its_model_comes_to_serve(
    store: OfflineStore, tmp_path: Path, train: Callable[..., Result], output: str, next_step: str
) -> None:
    committed(store, a_training_set(orders=1500))

    result = train("--training-set", "1", "--output", output, "--without-velocity")

    assert result.exit_code == 0, result.output
    last = result.stdout.splitlines()[-1]
    assert last == f"Next: {next_step} ONTEM_MODEL to {(tmp_path / output).resolve()}"
