"""Training a model: the same files that a night writes, real scikit-learn."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from features_pkg.models.bundle import WRITE_ORDER
from features_pkg.models.loading import Model, load_model
from features_pkg.models.manifest import ModelManifest
from features_pkg.models.shipped_models import SHIPPED, model_folders
from jobs.train.errors import ModelNameTaken, PeriodTooShort
from jobs.train.metrics import at_threshold, card_precision
from jobs.train.orders import LabelledOrders
from jobs.train.run import TrainingOptions, train
from jobs.train.split import split_by_time
from jobs.training_set.errors import NothingToTrainOn
from stores.offline.errors import RevisionMissing
from stores.offline.models import StoredModels
from stores.offline.tables import OfflineStore
from tests.e2e.a_model import copy_as
from tests.model_keys import SIGNING_KEY, VERIFY_KEYS
from tests.offline import a_store
from tests.unit.trained_models import (
    DAY_US,
    FEATURES,
    MATURITY,
    QUICK,
    START,
    a_training_set,
    a_vector,
    committed,
)


def trained(store: OfflineStore, **changed: Any) -> ModelManifest:
    changes = {"recipe": QUICK} | changed
    return train(store, FEATURES, TrainingOptions(revision=1, key=SIGNING_KEY, **changes))


def loaded(store: OfflineStore, model: ModelManifest) -> Model:
    """The stored model, as a service on this folder would load it."""
    return load_model(Path(StoredModels(store.files).location(model.name)), FEATURES, VERIFY_KEYS)


def contents(store: OfflineStore, model: ModelManifest) -> dict[str, tuple[bytes, int]]:
    """The files of a stored model, and when each was written."""
    folder = Path(StoredModels(store.files).location(model.name))
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}


@pytest.fixture
def store(tmp_path: Path) -> OfflineStore:
    return a_store(tmp_path / "store")


def test_the_same_training_set_and_seed_give_the_same_model(store: OfflineStore) -> None:
    committed(store, a_training_set(orders=1500))

    first = trained(store)
    before = contents(store, first)
    assert trained(store) == first
    assert contents(store, first) == before


def test_a_model_without_velocity_uses_order_features_alone(store: OfflineStore) -> None:
    committed(store, a_training_set(orders=1500))
    manifest = trained(store, velocity=False)

    assert manifest.features == FEATURES.order_features
    model = loaded(store, manifest)
    assert model.score(a_vector()) == model.score(a_vector(**{FEATURES.names[0]: 9999.0}))


def test_a_feature_that_was_never_there_moves_no_score(store: OfflineStore) -> None:
    table, absent = a_training_set(orders=1500), FEATURES.names[5]
    place = table.schema.get_field_index(absent)
    table = table.set_column(place, absent, pa.nulls(table.num_rows, pa.int64()))
    committed(store, table)

    manifest = trained(store)
    model = loaded(store, manifest)
    assert manifest.medians[5] is None
    scores = {model.score(a_vector(**{absent: value})) for value in (0.0, 1e6, float("nan"))}
    assert len(scores) == 1


@pytest.mark.parametrize(("fraud", "score"), [(0.0, 0.0), (1.1, 1.0)])
def test_data_of_one_class_give_a_constant_and_null_metrics(
    store: OfflineStore, fraud: float, score: float
) -> None:
    committed(store, a_training_set(orders=800, fraud=fraud))
    manifest = trained(store)

    assert loaded(store, manifest).score(a_vector()) == score
    assert manifest.metrics.roc_auc is None
    assert manifest.metrics.average_precision is None
    assert manifest.metrics.card_precision_at_100 is None
    assert manifest.metrics.block.precision is None


def test_another_seed_gives_a_model_beside_the_first(store: OfflineStore) -> None:
    committed(store, a_training_set(orders=1500))
    models = [trained(store), trained(store, seed=2)]

    assert [loaded(store, model).manifest for model in models] == models
    assert len({model.name for model in models}) == 2


def test_training_labels_were_all_known_when_the_hold_out_begins(store: OfflineStore) -> None:
    committed(store, a_training_set())
    manifest = trained(store)

    assert manifest.training.end + MATURITY <= manifest.hold_out.start
    assert manifest.training.known_at <= manifest.hold_out.start


def test_a_period_too_short_for_its_labels_names_the_days_it_needs(store: OfflineStore) -> None:
    committed(store, a_training_set(days=8))

    with pytest.raises(PeriodTooShort, match=r"span at least 9.* 16 days before"):
        trained(store)
    assert StoredModels(store.files).names() == []


def test_orders_too_young_for_a_label_of_their_own_do_not_count(store: OfflineStore) -> None:
    committed(store, a_training_set(), labels_as_of=START + timedelta(days=3))

    with pytest.raises(NothingToTrainOn, match="no order of the training set has a label yet"):
        trained(store)


def test_without_a_training_set_the_command_to_run_is_named(store: OfflineStore) -> None:
    with pytest.raises(RevisionMissing, match="ontem training-set"):
        trained(store)


def some_orders(**columns: list[int]) -> LabelledOrders:
    rows = len(next(iter(columns.values())))
    numbers = {name: np.array(values, np.int64) for name, values in columns.items()}
    zeros = np.zeros(rows, np.int64)
    return LabelledOrders(
        rows=zeros,
        order_pk=zeros,
        labels=numbers.get("labels", zeros).astype(bool),
        asked_us=numbers.get("asked_us", zeros),
        known_us=numbers.get("known_us", zeros),
        days=numbers.get("days", zeros),
        cards=numbers.get("cards", zeros),
    )


def test_an_order_whose_label_changed_after_the_hold_out_began_does_not_teach() -> None:
    days = list(range(21))
    known = [day + 7 for day in days]
    known[2] = 20
    orders = some_orders(
        asked_us=[day * DAY_US for day in days], known_us=[day * DAY_US for day in known]
    )

    split = split_by_time(orders, MATURITY)
    assert split.hold_out_start_us - split.training_end_us == 7 * DAY_US
    assert 2 * DAY_US not in split.training.asked_us
    assert DAY_US in split.training.asked_us


def test_card_precision_divides_by_k_and_finds_a_card_once() -> None:
    orders = some_orders(
        days=[1, 1, 1, 2, 2, 2], cards=[1, 2, 3, 1, 3, 4], labels=[1, 0, 1, 1, 1, 0]
    )
    scores = np.array([0.9, 0.8, 0.1, 0.99, 0.7, 0.6])

    # Day 1: cards 1 and 2 are riskiest, 1 is fraud. Day 2: 1 was found, 3 and 4 remain, 3 is fraud.
    assert card_precision(orders, scores, k=2) == pytest.approx((1 / 2 + 1 / 2) / 2)


def test_orders_without_card_have_no_card_precision() -> None:
    assert card_precision(some_orders(cards=[0, 0], labels=[0, 1]), np.array([0.1, 0.2])) is None


def test_precision_and_recall_count_scores_from_the_threshold_up() -> None:
    labels = np.array([True, False, True, False])

    found = at_threshold(labels, np.array([0.5, 0.5, 0.4, 0.1]), 0.5)
    assert (found.precision, found.recall, found.share) == (0.5, 0.5, 0.5)


def test_a_threshold_nobody_reaches_has_no_precision() -> None:
    found = at_threshold(np.array([True, False]), np.array([0.1, 0.2]), 0.5)

    assert (found.precision, found.recall) == (None, 0.0)


def test_a_model_is_in_the_store_under_its_name_and_never_ships_by_itself(
    store: OfflineStore,
) -> None:
    shipped = model_folders(SHIPPED)
    committed(store, a_training_set(orders=1500))

    manifest = trained(store)

    assert manifest.name.startswith("20180210-")
    assert StoredModels(store.files).names() == [manifest.name]
    assert model_folders(SHIPPED) == shipped


class Dying(dict[str, bytes]):
    """Contents whose writer is killed after so many files."""

    files_left = 0

    def __getitem__(self, name: str) -> bytes:
        if not self.files_left:
            raise KeyboardInterrupt
        self.files_left -= 1
        return super().__getitem__(name)


def test_a_training_that_is_killed_as_it_writes_leaves_no_model_and_the_next_one_completes_it(
    trained_model: Path, tmp_path: Path
) -> None:
    models = StoredModels(a_store(tmp_path).files)
    contents = {name: (trained_model / name).read_bytes() for name in WRITE_ORDER}
    for files_left in range(len(WRITE_ORDER)):
        dying = Dying(contents)
        dying.files_left = files_left
        with pytest.raises(KeyboardInterrupt):
            models.put("one", dying)

        assert models.names() == []
        assert not models.has("one")

    assert models.put("one", contents)
    assert not models.put("one", contents)
    assert load_model(Path(models.location("one")), FEATURES, VERIFY_KEYS)


def test_another_model_of_the_same_name_is_not_taken_for_this_one(
    store: OfflineStore, constant_model: Path
) -> None:
    committed(store, a_training_set(orders=1500))
    name = trained(store).name
    folder = Path(StoredModels(store.files).location(name))
    copy_as(constant_model, folder, name, START)

    with pytest.raises(ModelNameTaken, match=f"another model of the name {name}"):
        trained(store)


def test_a_training_set_is_named_and_not_the_newest(store: OfflineStore) -> None:
    for orders in (1500, 1600):
        committed(store, a_training_set(orders=orders))

    manifest = trained(store)

    assert manifest.training_set.endswith("@r1")
