"""A sample for training: all charged back orders, and others that count for those left out."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features_pkg.models.bundle import PICKLE
from features_pkg.models.loading import load_model
from features_pkg.models.manifest import ModelManifest
from features_pkg.models.scoring import ConstantScorer, TreeScorer, compile_pipeline
from features_pkg.models.walk import leaves
from jobs.train.errors import SampleTooSmall
from jobs.train.medians import medians_of
from jobs.train.orders import LabelledOrders
from jobs.train.pipeline import fit
from jobs.train.run import TrainingOptions, train
from jobs.train.sampling import keyed_hash, sample
from stores.offline.models import StoredModels
from stores.offline.tables import OfflineStore
from tests.model_keys import SIGNING_KEY, VERIFY_KEYS
from tests.offline import a_store
from tests.unit.trained_models import FEATURES, QUICK, a_training_set, committed


@pytest.fixture
def store(tmp_path: Path) -> OfflineStore:
    return a_store(tmp_path / "store")


def trained(store: OfflineStore, size: int | None, revision: int = 1) -> ModelManifest:
    options = TrainingOptions(
        revision=revision, key=SIGNING_KEY, velocity=False, sample=size, recipe=QUICK
    )
    return train(store, FEATURES, options)


def pickle_of(store: OfflineStore, model: ModelManifest) -> bytes:
    return store.files.read(f"models/{model.name}/{PICKLE}")


def some_orders(count: int, charged_back: int) -> LabelledOrders:
    numbers = np.arange(count, dtype=np.int64)
    labels = np.random.default_rng(1).permutation(numbers < charged_back)
    return LabelledOrders(numbers, numbers, labels, numbers, numbers, numbers, numbers)


@given(
    count=st.integers(20, 400),
    share=st.floats(0.0, 0.5),
    room=st.integers(1, 300),
    seed=st.integers(0),
)
def test_a_sample_has_all_charged_back_and_its_weights_add_up_to_all(
    count: int, share: float, room: int, seed: int
) -> None:
    orders = some_orders(count, int(count * share))
    charged_back = int(orders.labels.sum())
    size = charged_back + room

    found = sample(orders, size, seed)

    if size >= count:
        assert (found.orders, found.weights, found.sampling) == (orders, None, None)
        return
    assert found.weights is not None
    assert found.sampling is not None
    assert (len(found.orders), found.sampling.fitted) == (size, size)
    assert int(found.orders.labels.sum()) == charged_back
    assert np.all(found.weights[found.orders.labels] == 1.0)
    assert found.weights.sum() == pytest.approx(count)
    assert found.sampling.weight * found.sampling.share == pytest.approx(1.0)
    assert np.all(np.diff(found.orders.asked_us) > 0)


def test_what_is_summed_over_a_sample_is_on_average_what_it_is_over_all() -> None:
    orders = some_orders(2_000, 40)
    amounts = np.random.default_rng(2).exponential(50.0, len(orders))
    scores = 1.0 / (1.0 + np.exp(-(amounts / 50.0 - 2.0 + orders.labels)))
    losses = -np.log(np.where(orders.labels, scores, 1.0 - scores))
    sums, chosen = [], np.zeros(len(orders))
    for seed in range(400):
        found = sample(orders, 240, seed)
        assert found.weights is not None
        rows = found.orders.rows
        chosen[rows] += 1
        sums.append([float(found.weights @ each[rows]) for each in (amounts, scores, losses)])
    of_all = [float(each.sum()) for each in (amounts, scores, losses)]
    error = np.std(sums, axis=0) / np.sqrt(len(sums))
    assert np.all(np.abs(np.mean(sums, axis=0) - of_all) < 4 * error)
    assert np.all(chosen[orders.labels] == 400)
    kept = chosen[~orders.labels] / 400 * 1960 / 200  # as often as each other order
    assert abs(kept.std() - np.sqrt(1960 / 200 / 400)) < 0.02


def test_the_hash_of_an_order_is_its_own_and_another_with_each_seed() -> None:
    numbers = np.arange(-5_000, 5_000)

    assert len(np.unique(keyed_hash(numbers, 1))) == len(numbers)
    assert np.array_equal(keyed_hash(numbers[::-1], 1), keyed_hash(numbers, 1)[::-1])
    assert not np.any(keyed_hash(numbers, 1) == keyed_hash(numbers, 2))


def test_a_sample_without_room_for_all_charged_back_and_one_other_is_refused() -> None:
    orders = some_orders(2_000, 100)

    with pytest.raises(
        SampleTooSmall,
        match=r"of the 2,000 orders of the training part 100 were charged back, and all of them "
        r"are kept. Write a larger number with --sample, such as 1100, or leave it out",
    ):
        sample(orders, 100, seed=1)
    with pytest.raises(SampleTooSmall, match=r"are kept. Leave out --sample to train on all$"):
        sample(some_orders(500, 500), 100, seed=1)
    assert sample(orders, 101, seed=1).orders.labels.sum() == 100


def test_a_sample_does_not_depend_on_the_files_that_orders_lie_in(store: OfflineStore) -> None:
    table = a_training_set(orders=3_000)
    shuffled = table.take(pa.array(np.random.default_rng(3).permutation(3_000)))
    committed(store, table)
    committed(store, shuffled, files=4)

    first, second = (trained(store, 800, revision) for revision in (1, 2))

    assert first.sampling == second.sampling
    assert pickle_of(store, first) == pickle_of(store, second)
    assert first.metrics == second.metrics


def test_a_model_of_a_sample_says_so_and_is_measured_on_the_whole_hold_out(
    store: OfflineStore,
) -> None:
    committed(store, a_training_set(orders=3_000))
    whole, sampled = trained(store, None), trained(store, 800)

    assert whole.sampling is None
    assert (sampled.training, sampled.hold_out) == (whole.training, whole.hold_out)
    sampling = sampled.sampling
    assert sampling is not None
    assert (sampling.fitted, sampling.charged_back) == (800, whole.training.charged_back)
    assert sampling.others == whole.training.orders - whole.training.charged_back
    report = store.files.read(f"models/{sampled.name}/report.md").decode()
    assert f"Fitted on a sample of 800 orders: all {sampling.charged_back} charged back" in report
    assert "The hold-out is complete." in report
    folder = Path(StoredModels(store.files).location(sampled.name))
    assert load_model(folder, FEATURES, VERIFY_KEYS).manifest == sampled


def test_a_sample_of_as_many_orders_as_there_are_is_the_training_without_one(
    store: OfflineStore,
) -> None:
    committed(store, a_training_set(orders=1_500))

    assert trained(store, 10**9) == trained(store, None)


def test_orders_count_as_often_in_the_trees_as_their_weights_say() -> None:
    random = np.random.default_rng(4)
    matrix = random.integers(0, 50, (2_000, 3)).astype(np.float64)
    matrix[random.random(matrix.shape) < 0.1] = np.nan
    labels = random.random(2_000) < np.where(np.nan_to_num(matrix[:, 0]) > 25, 0.4, 0.1)
    weights = np.where(labels, 1.0, 3.0)

    scorer = compile_pipeline(fit(matrix, labels, ["a", "b", "c"], 1, weights))

    assert isinstance(scorer, TreeScorer)
    trees = scorer.trees
    assert np.all(trees.rows[trees.roots] == weights.sum())
    reached = leaves(trees, matrix)
    for tree in (0, 60, 119):
        for leaf in np.unique(reached[:, tree]):
            assert trees.rows[leaf] == weights[reached[:, tree] == leaf].sum()
    mean = float(scorer.scores(matrix) @ weights / weights.sum())
    assert mean == pytest.approx(float(labels @ weights / weights.sum()), rel=0.01)


def test_the_share_of_a_constant_model_is_that_of_all_orders() -> None:
    orders = some_orders(600, 0)
    matrix, labels = np.zeros((600, 1)), np.ones(600, bool)

    constant = compile_pipeline(fit(matrix, labels, ["a"], 1, np.full(len(orders), 2.0)))

    assert isinstance(constant, ConstantScorer)
    assert constant.probability == 1.0


@given(
    st.lists(st.tuples(st.integers(-9, 9), st.integers(1, 4)), min_size=1, max_size=30),
)
def test_a_weighted_median_is_that_of_the_values_repeated(pairs: list[tuple[int, int]]) -> None:
    values = np.array([[value] for value, _ in pairs], dtype=np.float64)
    weights = np.array([weight for _, weight in pairs], dtype=np.float64)
    repeated = np.sort(np.repeat(values[:, 0], weights.astype(int)))

    assert medians_of(values, weights) == (repeated[(len(repeated) - 1) // 2],)


def test_columns_of_nulls_have_no_median() -> None:
    nulls = np.full((3, 1), np.nan)

    assert medians_of(nulls) == medians_of(nulls, np.ones(3)) == (None,)
