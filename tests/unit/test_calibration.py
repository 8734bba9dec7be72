"""From scores to shares of fraud: an increasing function, learnt from orders of the folds."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features_pkg.array_types import Floats, Mask
from features_pkg.models.bundle import GOLDEN, PICKLE
from features_pkg.models.calibration import CalibratedScorer, Calibration
from features_pkg.models.golden import GoldenOutputs, encode_golden
from features_pkg.models.loading import load_model
from features_pkg.models.manifest import ModelRefused
from features_pkg.models.scoring import ConstantScorer, TreeScorer, compile_pipeline, probability
from features_pkg.models.shapley import attribution
from features_pkg.models.unpickling import unpickle
from jobs.train.calibrating import LEAST_OF_A_STEP, calibrate
from jobs.train.choice import ESTIMATOR_NAMES
from jobs.train.pipeline import calibrated_scores
from tests.model_keys import VERIFY_KEYS
from tests.unit.fitted_pipelines import a_pipeline, hard_rows
from tests.unit.trained_models import FEATURES, edit, replace_file

SOME = Calibration("isotonic", (-4.0, -1.0, 0.5, 3.0), (-6.0, -2.5, -2.0, 1.0))
METHODS = ("isotonic", "sigmoid")


def scored(orders: int = 20_000, shift: float = -2.0, slope: float = 0.5) -> tuple[Floats, Mask]:
    """Log odds of an estimator that is wrong by a line, and labels."""
    random = np.random.default_rng(4)
    log_odds = random.normal(-2, 2, orders)
    return log_odds, random.random(orders) < probability(shift + slope * log_odds)


@given(st.floats(-60, 60), st.floats(-60, 60))
def test_a_calibration_keeps_the_order_of_scores_and_one_row_is_as_many(
    left: float, right: float
) -> None:
    many = SOME.many(np.array([left, right]))

    assert many == pytest.approx([SOME.one(left), SOME.one(right)], abs=1e-12)
    if left + 1e-9 < right:
        assert many[0] < many[1]


def test_a_point_gets_its_value_and_what_lies_beyond_goes_on_with_the_slope_1() -> None:
    assert [SOME.one(each) for each in SOME.log_odds] == list(SOME.calibrated)
    assert (SOME.one(-5.0), SOME.one(4.5)) == (-7.0, 2.5)
    assert SOME.one(-2.5) == pytest.approx(-4.25)


@pytest.mark.parametrize("method", METHODS)
def test_shares_of_fraud_are_learnt(method: str) -> None:
    log_odds, labels = scored()
    found = calibrate(method, log_odds, labels, np.ones(len(labels)))  # type: ignore[arg-type]

    assert found is not None
    assert found.is_increasing
    later, truth = scored(200_000)[0], probability(-2.0 + 0.5 * scored(200_000)[0])
    assert np.abs(probability(found.many(later)) - truth).mean() < 0.01
    assert abs(probability(found.many(log_odds)).mean() - labels.mean()) < 0.003


def test_a_shift_makes_the_scores_add_up_and_leaves_their_distances() -> None:
    log_odds, labels = scored()
    found = calibrate("shift", log_odds, labels, np.ones(len(labels)))

    assert found is not None
    assert probability(found.many(log_odds)).sum() == pytest.approx(labels.sum(), rel=1e-6)
    assert np.diff(found.many(log_odds)) == pytest.approx(np.diff(log_odds), abs=1e-9)
    assert [found.one(end) - end for end in (-99.0, 0.0, 99.0)] == pytest.approx(3 * [found.one(0)])


@pytest.mark.parametrize("method", [*METHODS, "shift"])
def test_an_order_counts_as_its_weight_says(method: str) -> None:
    log_odds, labels = scored()
    kept = labels | (np.arange(len(labels)) % 4 == 0)
    weights = np.where(labels, 1.0, 4.0)[kept]
    sampled = calibrate(method, log_odds[kept], labels[kept], weights)  # type: ignore[arg-type]
    once = np.ones(len(labels))
    whole = calibrate(method, log_odds, labels, once)  # type: ignore[arg-type]

    assert sampled is not None
    assert whole is not None
    found, expected = (probability(each.many(log_odds)).mean() for each in (sampled, whole))
    assert found == pytest.approx(expected, rel=0.05)


def test_each_step_has_enough_charged_back_orders() -> None:
    log_odds, labels = scored()
    found = calibrate("isotonic", log_odds, labels, np.ones(len(labels)))

    assert found is not None
    assert 5 < len(found.log_odds) <= labels.sum() / LEAST_OF_A_STEP


@pytest.mark.parametrize("method", METHODS)
def test_nothing_is_learnt_where_higher_scores_do_not_mean_more_fraud(method: str) -> None:
    labels = np.arange(5_500) < 500
    log_odds = -3.0 * labels + np.random.default_rng(1).normal(0, 0.1, len(labels))

    once = np.ones(len(labels))
    assert calibrate(method, log_odds, labels, once) is None  # type: ignore[arg-type]


@pytest.mark.parametrize("estimator", ESTIMATOR_NAMES)
def test_what_is_served_is_what_training_measures_and_its_parts_add_up(estimator: str) -> None:
    pipeline, rows = a_pipeline(estimator), hard_rows(60)
    scorer = CalibratedScorer(compile_pipeline(pipeline), SOME)
    expected = calibrated_scores(pipeline, rows, SOME)

    assert np.allclose(scorer.scores(rows), expected, rtol=0, atol=1e-9)
    singly = [scorer.score(row.tolist()) for row in rows]
    assert np.allclose(singly, scorer.scores(rows), rtol=0, atol=1e-12)
    for row in rows[::10]:
        found, plain = attribution(scorer, row), attribution(scorer.scorer, row)
        assert found.score == pytest.approx(scorer.score(row.tolist()), abs=1e-12)
        assert np.array_equal(np.sign(found.parts), np.sign(plain.parts))


def calibrated(folder: Path, calibration: object, *, with_golden: bool = True) -> None:
    """Give the model in `folder` a calibration, as who trains would."""
    edit(folder, calibration=calibration)
    if with_golden:
        scorer = CalibratedScorer(compile_pipeline(unpickle((folder / PICKLE).read_bytes())), SOME)
        golden = json.loads((folder / GOLDEN).read_bytes())
        rows = GoldenOutputs(golden["rows"], golden["scores"]).matrix()
        replace_file(folder, GOLDEN, encode_golden(GoldenOutputs.of(rows, scorer.scores(rows))))


AS_JSON = {"method": "isotonic", "log_odds": SOME.log_odds, "calibrated": SOME.calibrated}


def test_a_calibrated_model_is_loaded_with_its_calibration(model_folder: Path) -> None:
    plain = load_model(model_folder, FEATURES, VERIFY_KEYS)
    calibrated(model_folder, AS_JSON)
    model = load_model(model_folder, FEATURES, VERIFY_KEYS)

    vector = np.full(len(FEATURES.names), 900.0)
    assert model.manifest.calibration == SOME
    odds = plain.scorer.row_log_odds([900.0] * len(FEATURES.names))
    assert isinstance(plain.scorer, TreeScorer)
    assert model.score(vector) == pytest.approx(float(probability(np.float64(SOME.one(odds)))))
    assert model.attribution(vector).score == pytest.approx(model.score(vector), abs=1e-12)


def test_golden_rows_are_those_of_the_calibrated_score(model_folder: Path) -> None:
    calibrated(model_folder, AS_JSON, with_golden=False)

    with pytest.raises(ModelRefused, match="it scores golden row"):
        load_model(model_folder, FEATURES, VERIFY_KEYS)


@pytest.mark.parametrize(
    "changes",
    [
        {"log_odds": [1.0, 0.0, 2.0, 3.0]},
        {"calibrated": [-6.0, -2.5, -2.5, 1.0]},
        {"log_odds": [-4.0]},
        {"log_odds": [-4.0], "calibrated": [1.0]},
        {"log_odds": [], "calibrated": []},
        {"calibrated": [-6.0, -2.5, -2.0, 1e999]},
    ],
    ids=range(6),
)
def test_a_calibration_that_does_not_increase_is_refused(
    model_folder: Path, changes: dict[str, object]
) -> None:
    calibrated(model_folder, AS_JSON | changes, with_golden=False)

    with pytest.raises(ModelRefused, match=r"calibration that is not increasing|not the manifest"):
        load_model(model_folder, FEATURES, VERIFY_KEYS)


def test_a_constant_stays_what_it_is() -> None:
    assert pickle.loads(pickle.dumps(SOME)) == SOME  # noqa: S301  made by this test
    assert ConstantScorer(0.25).row_log_odds([]) == pytest.approx(np.log(1 / 3))
