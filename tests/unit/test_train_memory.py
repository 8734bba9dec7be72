"""The memory of a training: what it takes at most, and a sentence where there is less."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from jobs.machine import memory_of_children
from jobs.train.choice import ESTIMATOR_NAMES
from jobs.train.errors import NotEnoughMemory
from jobs.train.memory import BYTES_OF_A_FITTED_ORDER, MEMORY_OF, memory_needed, most_fitted
from jobs.train.orders import OWN_COLUMNS
from jobs.train.run import TrainingOptions, train
from tests.model_keys import SIGNING_KEY
from tests.offline import a_store
from tests.unit.trained_models import FEATURES, a_training_set, committed

GB = 10**9
ROWS, COLUMNS = 60_000, 150
"""A matrix of 72 MB; other things of a process that fits have less than that."""


def peak_and_bound(store: Path, orders: int) -> tuple[int, int]:
    """What a training of so many orders took, in a process of its own, and what it may take."""
    committed(a_store(store), a_training_set(orders=orders), files=2)
    ended = subprocess.run(
        [sys.executable, "-m", "tests.unit.train_alone", str(store)],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},  # threads wait for each other on a busy machine
    )
    peak, bound = json.loads(ended.stdout)
    return peak, bound


@pytest.mark.slow
def test_a_training_takes_no_more_memory_than_it_says(tmp_path: Path) -> None:
    """Nor grows it faster: one more copy of the matrix would not yet exceed the whole bound."""
    small, small_bound = peak_and_bound(tmp_path / "small", 30_000)
    large, large_bound = peak_and_bound(tmp_path / "large", 120_000)

    assert small <= small_bound
    assert large <= large_bound
    assert large - small <= large_bound - small_bound


@pytest.mark.parametrize(("orders", "features"), [(1_000, 200), (10**6, 223), (10**7, 11)])
@pytest.mark.parametrize("present", [2 * GB, 3 * GB, 24 * GB])
@pytest.mark.parametrize("estimator", ESTIMATOR_NAMES)
def test_what_can_be_fitted_fits_and_one_more_hardly_does(
    orders: int, features: int, present: int, estimator: str
) -> None:
    memory = MEMORY_OF[estimator]
    most = most_fitted(orders, features, present, memory)

    if most == 0:
        assert memory_needed(orders, 1, features, memory) > present
        return
    assert memory_needed(orders, most, features, memory) <= present
    assert memory_needed(orders, most + 2, features, memory) > present - BYTES_OF_A_FITTED_ORDER


@pytest.mark.parametrize("estimator", ESTIMATOR_NAMES)
def test_an_estimator_takes_no_more_memory_beside_the_matrix_than_it_says(estimator: str) -> None:
    command = [sys.executable, "-m", "tests.unit.fit_alone", estimator, str(ROWS), str(COLUMNS)]
    environ = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    ended = subprocess.run(command, check=True, capture_output=True, text=True, env=environ)
    grown = int(ended.stdout)

    memory, matrix = MEMORY_OF[estimator], 8 * ROWS * COLUMNS
    beside = memory.of_a_row(COLUMNS) * ROWS + 8 * min(ROWS, memory.copied_rows) * COLUMNS - matrix
    assert grown <= beside + matrix // 2


def test_a_million_orders_with_the_whole_catalogue_fit_into_8_gb() -> None:
    for memory in MEMORY_OF.values():
        assert memory_needed(1_000_000, 700_000, len(FEATURES.names), memory) < 8 * GB


def test_a_training_that_does_not_fit_is_refused_before_it_reads_a_feature(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = a_store(tmp_path)
    without_features = a_training_set(orders=90_000, fraud=0.001).select(OWN_COLUMNS)
    committed(store, without_features)
    monkeypatch.setattr("jobs.train.memory.usable_memory", lambda: 760_000_000)
    options = TrainingOptions(revision=1, key=SIGNING_KEY)

    with pytest.raises(NotEnoughMemory) as refused:
        train(store, FEATURES, options)
    features = len(FEATURES.names)
    needed = memory_needed(90_000, 51_881, features) / 1e9
    sample = most_fitted(90_000, features, 760_000_000) // 1000 * 1000
    assert (
        f"training on 51,881 orders with {features} features takes up to {needed:.2f} GB of "
        "memory, and there are 0.76: fit it on a sample, with all charged back orders, by "
        f"--sample {sample}, or run it where there is more"
    ) in str(refused.value)
    assert 0.8 < needed < 0.95
    assert 20_000 < sample < 40_000


def test_where_the_charged_back_orders_alone_do_not_fit_no_sample_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = a_store(tmp_path)
    committed(store, a_training_set(orders=9_000, fraud=0.9).select(OWN_COLUMNS))
    monkeypatch.setattr("jobs.train.memory.usable_memory", lambda: 620_000_000)

    with pytest.raises(NotEnoughMemory, match="run it where there is more, or train on fewer days"):
        train(store, FEATURES, TrainingOptions(revision=1, key=SIGNING_KEY, reserved=5_000_000))


def test_the_memory_of_children_is_that_of_those_this_process_started(tmp_path: Path) -> None:
    for number, parent, memory in ((1, os.getpid(), 2_000), (2, 1, 9_000), (3, os.getpid(), 500)):
        folder = tmp_path / str(number)
        folder.mkdir()
        text = f"Name:\tjava\nPPid:\t{parent}\nVmRSS:\t    {memory} kB\n"
        (folder / "status").write_text(text)
    (tmp_path / "4").mkdir()

    assert memory_of_children(tmp_path) == 2_500 * 1024
