"""Fixtures of several unit tests."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def trained_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model; not to be changed."""
    from jobs.train.run import TrainingOptions, train
    from stores.files.store import open_store
    from tests.unit.trained_models import FEATURES, a_training_set, committed

    root = tmp_path_factory.mktemp("trained")
    store = open_store((root / "store").as_uri())
    committed(store, root / "store", a_training_set())
    folder, _ = train(store, FEATURES, TrainingOptions(output=root / "model"))
    return folder


@pytest.fixture
def model_folder(trained_model: Path, tmp_path: Path) -> Path:
    """A copy of that model, to be changed."""
    copy = tmp_path / "model"
    copy.mkdir()
    for path in trained_model.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    return copy
