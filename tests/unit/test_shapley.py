"""What moved a score: Shapley values of trees, compared with the definition."""

from itertools import combinations
from math import factorial, inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features_pkg.array_types import Floats
from features_pkg.models.scoring import ConstantScorer, TreeScorer, compile_pipeline
from features_pkg.models.shapley import attribution
from features_pkg.models.trees import PipelineUnknown, Trees
from jobs.train.pipeline import fit

FEATURES = 4


def some_trees(seed: int) -> Trees:
    """Trees over few features, so that paths ask for one several times, and nulls matter."""
    random = np.random.default_rng(seed)
    matrix = random.integers(0, 6, (600, FEATURES)).astype(np.float64)
    labels = (matrix[:, 0] + matrix[:, 1] * matrix[:, 2] + random.normal(0, 3, 600)) > 9
    matrix[random.random(matrix.shape) < 0.2] = np.nan
    scorer = compile_pipeline(fit(matrix, labels, [f"f{n}" for n in range(FEATURES)], seed))
    assert isinstance(scorer, TreeScorer)
    return scorer.trees


TREES = some_trees(3)
values = st.none() | st.integers(-1, 7)
rows = st.lists(values, min_size=FEATURES, max_size=FEATURES).map(
    lambda row: np.array([np.nan if value is None else value for value in row], dtype=np.float64)
)


def expected(trees: Trees, node: int, row: Floats, known: frozenset[int]) -> float:
    """The average of the leaves below a node when only some features of the row are known."""
    below, above = trees.children[2 * node : 2 * node + 2]
    if below == node:
        return float(trees.values[node])
    feature, goes_right = int(trees.columns[node]) % FEATURES, trees.columns[node] >= FEATURES
    sides = [expected(trees, int(child), row, known) for child in (below, above)]
    if feature in known:
        value = row[feature]
        is_above = goes_right if np.isnan(value) else value > trees.thresholds[node]
        return sides[int(is_above)]
    weights = [trees.rows[below], trees.rows[above]]
    return float(np.average(sides, weights=weights))


def by_definition(trees: Trees, row: Floats) -> list[float]:
    """Each feature's Shapley value: its mean effect over all orders in which features get known."""
    game = {
        frozenset(known): sum(expected(trees, int(r), row, frozenset(known)) for r in trees.roots)
        for size in range(FEATURES + 1)
        for known in combinations(range(FEATURES), size)
    }
    return [
        sum(
            (game[known | {feature}] - game[known])
            * factorial(len(known)) * factorial(FEATURES - 1 - len(known)) / factorial(FEATURES)
            for known in game
            if feature not in known
        )
        for feature in range(FEATURES)
    ]  # fmt: skip


def first_trees(trees: Trees, number: int) -> Trees:
    """The same model cut short: the definition is slow."""
    return Trees(
        roots=trees.roots[:number],
        columns=trees.columns,
        thresholds=trees.thresholds,
        children=trees.children,
        values=trees.values,
        depth=trees.depth,
        baseline=trees.baseline,
        rows=trees.rows,
    )


FEW_TREES = first_trees(TREES, 4)


@given(rows)
def test_contributions_are_the_shapley_values_of_the_definition(row: Floats) -> None:
    found = attribution(TreeScorer(FEW_TREES), row)

    assert found.parts == pytest.approx(by_definition(FEW_TREES, row), abs=1e-9)


@given(rows)
def test_base_and_contributions_add_up_to_the_score(row: Floats) -> None:
    found = attribution(TreeScorer(TREES), row)

    assert found.score == pytest.approx(TreeScorer(TREES).scores(row[None, :])[0], abs=1e-12)


def test_the_base_is_the_same_for_every_row() -> None:
    found = {
        attribution(TreeScorer(TREES), np.full(FEATURES, value)).base
        for value in (np.nan, 0.0, 5.0)
    }

    assert len(found) == 1


@pytest.mark.parametrize(("share", "base"), [(0.5, 0.0), (0.0, -inf), (1.0, inf)])
def test_a_constant_is_moved_by_nothing(share: float, base: float) -> None:
    found = attribution(ConstantScorer(share), np.zeros(FEATURES))

    assert (found.base, found.parts.tolist()) == (base, [0.0] * FEATURES)
    assert found.score == share


def test_an_unknown_scorer_is_refused() -> None:
    class Other:
        def scores(self, rows: Floats) -> Floats:
            return rows[:, 0]

    with pytest.raises(PipelineUnknown, match="Other"):
        attribution(Other(), np.zeros(FEATURES))


def test_a_tree_of_one_leaf_moves_nothing() -> None:
    one_leaf = Trees(
        roots=np.zeros(1, np.intp),
        columns=np.zeros(1, np.intp),
        thresholds=np.zeros(1),
        children=np.zeros(2, np.intp),
        values=np.ones(1),
        depth=0,
        baseline=1.0,
        rows=np.ones(1),
    )
    found = attribution(TreeScorer(one_leaf), np.zeros(FEATURES))

    assert (found.base, found.parts.tolist()) == (2.0, [0.0] * FEATURES)
