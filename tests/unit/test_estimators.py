"""Each estimator: what is served scores as scikit-learn does, and says what moved a score."""

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features_pkg.models import one_row
from features_pkg.models.forest_trees import as_double_thresholds
from features_pkg.models.linear import scaling_of
from features_pkg.models.proof import predicted
from features_pkg.models.scoring import ForestScorer, LinearScorer, TreeScorer, compile_pipeline
from features_pkg.models.shapley import Attribution, attribution, rescaled
from features_pkg.models.unpickling import unpickle
from jobs.train.choice import ESTIMATOR_NAMES
from jobs.train.estimators.by_name import ESTIMATORS
from jobs.train.pipeline import fit, to_bytes
from tests.unit.fitted_pipelines import FEATURES, NAMES, a_pipeline, hard_rows, some_orders

SCORERS = {"boosting": TreeScorer, "logistic": LinearScorer, "forest": ForestScorer}
ROWS = hard_rows()


@pytest.fixture(scope="module", params=ESTIMATOR_NAMES)
def estimator(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def content(estimator: str) -> bytes:
    return to_bytes(a_pipeline(estimator))


def test_what_is_served_scores_as_scikit_learn_does_at_once_and_singly(
    estimator: str, content: bytes
) -> None:
    expected = predicted(pickle.loads(content), ROWS)  # noqa: S301  made by this test
    pipeline = unpickle(content)
    scorer = compile_pipeline(pipeline)

    assert isinstance(scorer, SCORERS[estimator])
    assert np.ptp(expected) > 0.5
    assert np.array_equal(predicted(pipeline, ROWS), expected)
    assert np.allclose(scorer.scores(ROWS), expected, rtol=0, atol=1e-12)
    singly = [scorer.score(row.tolist()) for row in ROWS]
    assert np.allclose(singly, expected, rtol=0, atol=1e-12)
    assert scorer.scores(ROWS[:0]).shape == (0,)
    odds = [scorer.row_log_odds(row.tolist()) for row in ROWS]
    assert np.allclose(odds, scorer.log_odds(ROWS), rtol=0, atol=1e-9)


def test_a_forest_without_code_for_one_row_scores_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scorer = compile_pipeline(a_pipeline("forest"))
    expected = [scorer.score(row.tolist()) for row in ROWS[:20]]
    one_row.leaf_values.cache_clear()
    monkeypatch.setattr(one_row, "MOST_NODES", 1)

    assert [scorer.score(row.tolist()) for row in ROWS[:20]] == expected


def test_the_same_rows_and_seed_give_the_same_bytes(estimator: str, content: bytes) -> None:
    assert to_bytes(a_pipeline(estimator)) == content


def test_fitting_leaves_the_matrix_as_it_is(estimator: str) -> None:
    matrix, labels = some_orders()
    fit(matrix, labels, NAMES, 7, None, ESTIMATORS[estimator])

    assert np.array_equal(matrix, some_orders()[0], equal_nan=True)


def test_a_weight_counts_as_so_many_rows(estimator: str) -> None:
    """A regression has one optimum. Trees draw rows and bins, so they come near on average."""
    matrix, labels = some_orders(rows=3000)
    weights = np.where(labels, 1.0, 3.0)
    repeated = np.concatenate((np.arange(3000), *[np.flatnonzero(~labels)] * 2))
    weighted, plain, repeating = (
        compile_pipeline(fit(rows, marks, NAMES, 7, counts, ESTIMATORS[estimator])).scores(ROWS)
        for rows, marks, counts in (
            (matrix, labels, weights),
            (matrix, labels, None),
            (np.ascontiguousarray(matrix[repeated]), labels[repeated], None),
        )
    )

    tolerance = 1e-6 if estimator == "logistic" else 0.05
    assert abs((weighted - repeating).mean()) < tolerance
    assert (plain - repeating).mean() > 0.05


def test_the_parts_of_a_score_add_up_to_it(content: bytes) -> None:
    scorer = compile_pipeline(unpickle(content))
    for row in ROWS[::20]:
        found = attribution(scorer, row)

        assert found.score == pytest.approx(scorer.score(row.tolist()), abs=1e-12)
        assert found.parts[5] == 0.0  # it was null in all of the training


def test_the_base_is_what_the_training_says_on_average(estimator: str, content: bytes) -> None:
    scorer, (matrix, _) = compile_pipeline(unpickle(content)), some_orders()
    is_share = isinstance(scorer, ForestScorer)
    results = scorer.scores(matrix) if is_share else scorer.log_odds(matrix)
    base = attribution(scorer, matrix[0])

    found = base.base if not is_share else 1 / (1 + np.exp(-base.base))
    assert found == pytest.approx(results.mean(), abs=0.02 if is_share else 0.3)


def test_a_forests_parts_are_in_the_proportions_of_its_shares() -> None:
    scorer = compile_pipeline(a_pipeline("forest"))
    assert isinstance(scorer, ForestScorer)
    shares, odds = attribution(TreeScorer(scorer.trees), ROWS[3]), attribution(scorer, ROWS[3])

    ratios = odds.parts[:5] / shares.parts[:5]
    assert np.allclose(ratios, ratios[0])
    assert ratios[0] > 0


@pytest.mark.parametrize("distance", [1.0, 1e-9])
def test_rescaled_parts_keep_their_signs_where_base_and_result_are_the_same_too(
    distance: float,
) -> None:
    cubed: Callable[[float], float] = lambda value: value**3  # noqa: E731
    found = rescaled(Attribution(2.0, np.array([3.0, distance - 3.0])), cubed)

    assert found.base == 8.0
    assert found.log_odds == pytest.approx(cubed(2.0 + distance))
    assert np.sign(found.parts).tolist() == [1.0, -1.0]
    assert abs(found.parts[0]) > 30


singles = st.floats(width=32, allow_nan=False, allow_infinity=False)


@given(threshold=singles | st.floats(allow_nan=False), data=st.data())
def test_a_double_is_at_most_the_moved_threshold_where_its_float32_is_at_most_the_first(
    threshold: float, data: Any
) -> None:
    (moved,) = as_double_thresholds(np.array([threshold]))
    with np.errstate(over="ignore"):
        beside = [np.nextafter(moved, -np.inf), moved, np.nextafter(moved, np.inf), threshold]
        value = data.draw(st.sampled_from(beside) | st.floats(allow_nan=False))
        single = np.float32(value)
    if np.isinf(single):
        return  # scikit-learn refuses it

    assert (value <= moved) == (np.float64(single) <= threshold)


def test_columns_of_nulls_are_one_for_those_that_are_null_together() -> None:
    scaling = scaling_of(a_pipeline("logistic"))

    assert scaling.nulls.tolist() == [1, 3]  # 2 is null with 1, and 5 had no value at all
    assert scaling.null_shares == pytest.approx([0.2, 0.1], abs=0.03)
    assert scaling.is_log.tolist() == [1, 0, 0, 0, 0, 0]
    scaled = scaling.values(some_orders()[0])
    assert np.all(np.abs(scaled) <= 10)
    assert scaled.mean(axis=0) == pytest.approx(np.zeros(FEATURES), abs=1e-9)
    assert scaled[~np.isnan(some_orders()[0][:, 1]), 1].std() == pytest.approx(1.0)


def test_a_regression_takes_columns_of_nulls_up_to_a_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("jobs.train.estimators.scaling.MOST_NULL_COLUMNS", 1)

    assert scaling_of(a_pipeline("logistic")).nulls.tolist() == [1]  # null more often than 3
