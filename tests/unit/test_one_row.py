"""One row's way through boosted trees is that of many rows, to the bit."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features_pkg.models import one_row
from features_pkg.models.one_row import leaf_values
from features_pkg.models.scoring import ConstantScorer, TreeScorer
from features_pkg.models.trees import Trees
from tests.parity.mutants import Mistake, broken
from tests.unit.test_shapley import FEATURES, some_trees

NULL = float("nan")
TREES = some_trees(5)
AT_AND_BESIDE = sorted(
    {beside for each in TREES.thresholds.tolist() for beside in (each, each + abs(each) * 1e-9)}
)
rows = st.lists(
    st.sampled_from([*AT_AND_BESIDE, NULL, 0.0, -0.0, 1e300, -1e300]),
    min_size=FEATURES,
    max_size=FEATURES,
)

# Two trees of three nodes: nulls go left in the first, and right in the second. Both part nulls
# from numbers as scikit-learn does that, with an infinite threshold, which is the largest number.
LARGEST = float(np.finfo(np.float64).max)
PARTS_NULLS = Trees(
    roots=np.array([0, 3]),
    columns=np.array([0, 0, 0, FEATURES, 0, 0]),
    thresholds=np.array([0.5, 0, 0, LARGEST, 0, 0]),
    children=np.array([1, 2, 1, 1, 2, 2, 4, 5, 4, 4, 5, 5]),
    values=np.array([0.0, 1.0, 2.0, 0.0, 10.0, 20.0]),
    depth=1,
    baseline=0.0,
    rows=np.ones(6),
)


@pytest.fixture(autouse=True)
def _new_code() -> Iterator[None]:
    leaf_values.cache_clear()
    yield
    leaf_values.cache_clear()


def is_right(trees: Trees, row: list[float]) -> bool:
    scorer = TreeScorer(trees)
    alone, among_others = scorer.score(row), scorer.scores(np.array([row, [NULL] * FEATURES]))[0]
    return alone.hex() == float(among_others).hex()


@given(rows)
def test_one_row_has_the_score_that_it_has_among_others(row: list[float]) -> None:
    assert is_right(TREES, row)


@pytest.mark.parametrize(
    ("value", "leaves"),
    [(NULL, (1.0, 20.0)), (0.5, (1.0, 10.0)), (0.6, (2.0, 10.0)), (LARGEST, (2.0, 10.0))],
)
def test_a_null_goes_where_the_node_says(value: float, leaves: tuple[float, ...]) -> None:
    row = [value] * FEATURES
    code = leaf_values(PARTS_NULLS, FEATURES)

    assert code is not None
    assert code(row) == leaves
    assert is_right(PARTS_NULLS, row)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("baseline", "score"), [(-800.0, 0.0), (800.0, 1.0)])
def test_log_odds_beyond_all_scores_are_no_warning(baseline: float, score: float) -> None:
    trees = replace(TREES, baseline=baseline)

    assert TreeScorer(trees).score([0.0] * FEATURES) == score


@pytest.mark.parametrize(("limit", "least"), [("DEEPEST", 1), ("MOST_NODES", 10)])
def test_without_code_a_row_is_scored_among_none(
    limit: str, least: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    score = TreeScorer(TREES).score([1.0] * FEATURES)
    leaf_values.cache_clear()
    monkeypatch.setattr(one_row, limit, least)

    assert leaf_values(TREES, FEATURES) is None
    assert TreeScorer(TREES).score([1.0] * FEATURES) == score


def test_the_deepest_trees_that_get_code_compile() -> None:
    depth = one_row.DEEPEST
    inner, leaf = np.arange(0, 2 * depth, 2), np.arange(1, 2 * depth + 1)
    children = np.repeat(np.arange(2 * depth + 1), 2)
    children[2 * inner], children[2 * inner + 1] = inner + 1, inner + 2
    chain = Trees(
        roots=np.zeros(1, np.intp),
        columns=np.zeros(2 * depth + 1, np.intp),
        thresholds=np.arange(2 * depth + 1, dtype=np.float64),
        children=children,
        values=np.concatenate([[0.0], leaf / 100]),
        depth=depth,
        baseline=0.0,
        rows=np.ones(2 * depth + 1),
    )

    assert leaf_values(chain, FEATURES) is not None
    assert all(is_right(chain, [value] * FEATURES) for value in (-1.0, 7.0, 1e3))
    assert leaf_values(replace(chain, depth=depth + 1), FEATURES) is None


def test_a_constant_is_the_score_of_one_row() -> None:
    assert ConstantScorer(0.25).score([0.0]) == 0.25


CODE = "features_pkg.models.one_row:_expression"
MISTAKES = {
    "a value at the threshold goes up": Mistake(CODE, "]<={threshold!r}", "]<{threshold!r}"),
    "a value at the threshold goes up where nulls go left": Mistake(
        CODE, "]>{threshold!r}", "]>={threshold!r}"
    ),
    "nulls go left": Mistake(CODE, "if column < features", "if True"),
    "a step too few": Mistake(CODE, "or not steps", "or steps < 2"),
    "left is right": Mistake(CODE, "for child in (left, right)", "for child in (right, left)"),
    "thresholds are rounded": Mistake(
        CODE, "float(trees.thresholds[node])", "round(float(trees.thresholds[node]))"
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_in_the_code_is_caught(mistake: Mistake) -> None:
    questions = [
        (trees, [value] * FEATURES)
        for trees in (TREES, PARTS_NULLS)
        for value in (*AT_AND_BESIDE, NULL, 0.5)
    ]
    assert all(is_right(*question) for question in questions)
    leaf_values.cache_clear()
    with broken(mistake):
        assert not all(_is_right_or_fails(*question) for question in questions)


def _is_right_or_fails(trees: Trees, row: list[float]) -> bool:
    try:
        return is_right(trees, row)
    except IndexError:
        return False
