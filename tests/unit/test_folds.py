"""Validation by time: earlier models, later orders, and the gap that labels take."""

from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features_pkg.calendar import DAY_US
from features_pkg.models.bundle import PAGE, READABLE_REPORT
from features_pkg.models.loading import load_model
from features_pkg.models.manifest import ModelManifest
from jobs.train.choice import Recipe
from jobs.train.estimators.by_name import ESTIMATORS
from jobs.train.folds import folds_of, out_of_fold
from jobs.train.orders import LabelledOrders
from jobs.train.run import TrainingOptions, train
from jobs.train.validation_report import calibration_sentence
from stores.offline.models import StoredModels
from tests.model_keys import SIGNING_KEY, VERIFY_KEYS
from tests.offline import a_store
from tests.unit.page_reader import PageReader
from tests.unit.trained_models import FEATURES, MATURITY, a_training_set, committed


def orders_at(asked_us: np.ndarray, labels: np.ndarray | None = None) -> LabelledOrders:
    zeros = np.zeros(len(asked_us), np.int64)
    marks = zeros.astype(bool) if labels is None else labels
    return LabelledOrders(zeros, zeros, marks, asked_us, asked_us, zeros, zeros)


@given(days=st.floats(0.1, 60), count=st.integers(1, 6), gap=st.integers(0, 20))
def test_windows_follow_each_other_and_nothing_in_the_gap_teaches(
    days: float, count: int, gap: int
) -> None:
    asked = np.sort(np.random.default_rng(1).integers(0, int(days * DAY_US), 500))
    orders = orders_at(asked)
    found = folds_of(orders, timedelta(days=gap), count)

    assert len(found) <= count
    if days > gap + 2 * count:
        assert len(found) == count
    for fold in found:
        assert fold.end_us - fold.start_us >= DAY_US
        assert np.all(asked[: fold.fitted_end] < fold.start_us - gap * DAY_US)
        window = asked[fold.window]
        assert np.all((window >= fold.start_us) & (window < fold.end_us))
    for left, right in pairwise(found):
        assert (left.end_us, left.window.stop) == (right.start_us, right.window.start)
    if found:
        assert found[-1].window.stop == len(asked)


def test_a_label_that_was_not_known_when_the_window_began_does_not_teach() -> None:
    """Here such labels are the contrary of all others."""
    random = np.random.default_rng(2)
    asked = np.sort(random.integers(0, 30 * DAY_US, 4_000))
    matrix = random.normal(0, 1, (4_000, 2))
    labels = matrix[:, 0] > 1
    wrong = random.random(4_000) < 0.7
    orders = orders_at(asked, np.where(wrong, ~labels, labels))
    known = LabelledOrders(
        orders.rows,
        orders.order_pk,
        orders.labels,
        orders.asked_us,
        np.where(wrong, 99 * DAY_US, asked),
        orders.days,
        orders.cards,
    )
    folds = folds_of(orders, timedelta(days=2), 2)
    found = out_of_fold(known, None, matrix, folds, ESTIMATORS["boosting"], 1)

    assert len(found.folds) == 2
    assert np.corrcoef(found.log_odds, matrix[found.positions, 0])[0, 1] > 0.5
    assert found.folds[0].fitted < folds[0].fitted_end / 2


def test_a_fold_without_orders_of_both_classes_is_left_out() -> None:
    asked = np.arange(3_000) * (DAY_US // 100)
    labels = (asked > 15 * DAY_US) & (np.arange(3_000) % 10 == 0)
    orders = orders_at(asked, labels)
    matrix = np.random.default_rng(1).normal(0, 1, (3_000, 2))
    folds = folds_of(orders, timedelta(days=1), 3)

    found = out_of_fold(orders, None, matrix, folds, ESTIMATORS["logistic"], 1)
    assert len(folds) == 3
    assert len(found.folds) < 3
    assert len(found.positions) == len(found.log_odds) == sum(each.orders for each in found.folds)


@pytest.fixture(scope="module")
def validated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ModelManifest]:
    """A model that was calibrated by folds, in a folder."""
    root = tmp_path_factory.mktemp("validated")
    store = a_store(root / "store")
    committed(store, a_training_set(orders=10_000))
    recipe = Recipe("logistic", folds=3, calibration="sigmoid")
    options = TrainingOptions(revision=1, key=SIGNING_KEY, recipe=recipe)
    manifest = train(store, FEATURES, options)
    StoredModels(store.files).fetch(manifest.name, root / "model")
    return root / "model", manifest


def test_a_training_says_what_its_folds_did_and_how_it_was_calibrated(
    validated: tuple[Path, ModelManifest],
) -> None:
    folder, manifest = validated

    assert " ".join(manifest.recipe) == "--estimator logistic --calibration sigmoid"
    first, _, last = manifest.folds
    assert first.end < last.start
    assert first.fitted < manifest.training.orders / 2 <= last.fitted < manifest.training.orders
    assert last.end <= manifest.training.end
    assert manifest.calibration is not None
    assert msgspec.json.decode(msgspec.json.encode(manifest), type=ModelManifest) == manifest
    report = (folder / READABLE_REPORT).read_text()
    sentence = calibration_sentence(manifest)
    assert sentence.startswith("Scores are calibrated (sigmoid), so that of the orders with a")
    honest = last.orders - last.charged_back
    assert f"learnt from {last.charged_back:,} charged back and {honest:,} other" in sentence
    assert "orders after 1 of 3 folds, those fitted on at least half as many" in sentence
    assert sentence in report
    assert sentence in PageReader((folder / PAGE).read_bytes()).figures["calibration"].words
    assert f"| {last.fitted:,} | {last.orders:,} | {last.charged_back:,} |" in report
    assert load_model(folder, FEATURES, VERIFY_KEYS).manifest == manifest


@pytest.mark.parametrize(
    ("recipe", "orders", "reason"),
    [
        (Recipe("logistic", folds=0), 1_500, "no folds were asked for"),
        (Recipe("logistic", calibration="none"), 1_500, "none was asked for"),
        (Recipe("logistic"), 60, "the training period is too short for folds, or has too few"),
        (Recipe("logistic"), 400, "charged back and"),
        (Recipe("logistic", folds=1), 1_500, "no fold was fitted on half as many orders as the"),
    ],
    ids=["no folds", "none", "few", "hardly any", "of little history"],
)
def test_without_a_calibration_the_manifest_and_the_report_say_why(
    tmp_path: Path, recipe: Recipe, orders: int, reason: str
) -> None:
    store = a_store(tmp_path)
    committed(store, a_training_set(orders=orders))
    options = TrainingOptions(revision=1, key=SIGNING_KEY, velocity=False, recipe=recipe)
    manifest = train(store, FEATURES, options)

    assert manifest.calibration is None
    assert reason in manifest.calibration_reason
    report = store.files.read(f"models/{manifest.name}/{READABLE_REPORT}").decode()
    assert f"not calibrated: {manifest.calibration_reason}" in report


def test_the_gap_of_a_fold_is_that_of_the_hold_out(validated: tuple[Path, ModelManifest]) -> None:
    _, manifest = validated

    assert manifest.folds[0].start - manifest.training.start > MATURITY
