"""Fixtures of several unit tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from click.testing import Result

    from tests.unit.proposals import Checkout


@pytest.fixture(scope="session")
def trained_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model of trees; not to be changed."""
    return a_model(tmp_path_factory.mktemp("trained"), fraud=0.2)


@pytest.fixture(scope="session")
def constant_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model of orders without fraud; not to be changed."""
    return a_model(tmp_path_factory.mktemp("constant"), fraud=0.0)


def a_model(root: Path, *, fraud: float) -> Path:
    """The folder of a model that is trained below `root`."""
    from jobs.train.run import TrainingOptions, train
    from stores.offline.models import StoredModels
    from tests.model_keys import SIGNING_KEY
    from tests.offline import a_store
    from tests.unit.trained_models import FEATURES, QUICK, a_training_set, committed

    store = a_store(root / "store")
    committed(store, a_training_set(fraud=fraud))
    manifest = train(store, FEATURES, TrainingOptions(revision=1, key=SIGNING_KEY, recipe=QUICK))
    StoredModels(store.files).fetch(manifest.name, root / "model")
    return root / "model"


@pytest.fixture
def model_folder(trained_model: Path, tmp_path: Path) -> Path:
    """A copy of that model, to be changed."""
    copy = tmp_path / "model"
    copy.mkdir()
    for path in trained_model.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    return copy


@pytest.fixture
def checkout(trained_model: Path, tmp_path: Path) -> Iterator[Checkout]:
    """A checkout whose models are proposed to a GitHub of the tests, and a store."""
    from tests.unit.proposals import a_checkout

    with a_checkout(trained_model, tmp_path) as made:
        yield made


@pytest.fixture
def propose(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """`ontem models propose` in the checkout, with the given words and variables."""
    from tests.unit.proposals import run_propose

    monkeypatch.chdir(checkout.project)
    return partial(run_propose, checkout)
