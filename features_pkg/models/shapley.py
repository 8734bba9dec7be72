"""What each feature adds to the result of boosted trees: exact Shapley values.

The result of a tree for a row of which only the features S are known is an average over its leaves:
where the tree asks for a feature of S it goes the row's way, elsewhere both ways, in the share in
which the training rows went there. The Shapley values of that game are what Lundberg, Erion and Lee
call SHAP values of trees (Consistent Individualized Feature Attribution for Tree Ensembles, 2018,
arXiv:1802.03888; their algorithm 1 is the game). They add up to the result less its average.

Each leaf is a game of its own, in which only the features on its path play, and a tree is the sum
of its leaves' games. With the features S known, a leaf gives its value times, for each feature j of
its path, o_j if j is in S and else z_j. o_j is 1 if the row goes the path's way at all nodes that
ask for j, and else 0; z_j is the share of training rows that do. By Shapley's formula, feature i of
d gets

    value * (o_i - z_i) * sum over k of k! (d - 1 - k)! / d! * c_k

where c_k sums over all sets of k of the other features the o of the set times the z of the rest.
That is the coefficient of x^k in the product of the others' `z_j + o_j x`.

Leaves with fewer features than others get some that always agree (o = z = 1), which change nothing.

The trees of a forest give shares of fraud, not log odds. Their Shapley values are of the share, and
are scaled, all by one factor, so that they add up to the log odds of the score less those of the
average: they keep their signs and proportions. Where a calibration changes log odds, their parts
are scaled likewise. A logistic regression adds up one part for each feature, which less its average
is the feature's Shapley value.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from math import factorial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from features_pkg.array_types import Floats, Mask
from features_pkg.models.calibration import CalibratedScorer
from features_pkg.models.scoring import (
    ConstantScorer,
    ForestScorer,
    LinearScorer,
    Scorer,
    TreeScorer,
    bounded,
    odds_of,
    probability_of,
)
from features_pkg.models.trees import PipelineUnknown, Trees

LEAST_DISTANCE: Final = 1e-7
"""Results that are no further apart count as one, around which a function is a straight line."""


@dataclass(frozen=True, slots=True)
class Attribution:
    """The log odds of a score in parts: `base`, those of the average in training, and features'."""

    base: float
    parts: Floats

    @property
    def log_odds(self) -> float:
        """Base and parts together."""
        return self.base + float(self.parts.sum())

    @property
    def score(self) -> float:
        """The score of these log odds."""
        return probability_of(self.log_odds)


@dataclass(frozen=True, slots=True)
class _Step:
    """Where a path turns: at a node, to a side (1: above its threshold), with a share of rows."""

    node: int
    side: int
    share: float


@dataclass(frozen=True, slots=True)
class _Leaves:
    """All leaves: `values`, and for each the features on its path, `slots` of them at most.

    `features` and `shares` (z) are by leaf and slot. The steps of all paths are in flat columns:
    step i turns at `node[i]` to `side[i]`, for the slot `position[i]` of `features.ravel()`.
    """

    values: Floats
    features: NDArray[np.intp]
    shares: Floats
    node: NDArray[np.intp]
    side: NDArray[np.intp]
    position: NDArray[np.intp]


def attribution(scorer: Scorer, row: Floats) -> Attribution:
    """The parts of the log odds that `scorer` gives `row`, which has NaN for null.

    Raises PipelineUnknown for a scorer of another kind than `compile_pipeline` makes.
    """
    if isinstance(scorer, ConstantScorer):
        return Attribution(odds_of(scorer.probability), np.zeros(len(row)))
    if isinstance(scorer, TreeScorer):
        return _of_trees(scorer.trees, row)
    if isinstance(scorer, CalibratedScorer):
        return rescaled(attribution(scorer.scorer, row), scorer.calibration.one)
    if isinstance(scorer, ForestScorer):
        return rescaled(_of_trees(scorer.trees, row), _odds_of_share)
    if isinstance(scorer, LinearScorer):
        return Attribution(scorer.linear.intercept, scorer.linear.parts(row[None, :])[0])
    raise PipelineUnknown(f"nobody can say what moves the scores of {type(scorer).__name__}")


def rescaled(found: Attribution, increasing: Callable[[float], float]) -> Attribution:
    """The parts of `increasing(result)` by those of the result, in the same proportions."""
    base, result = increasing(found.base), increasing(found.log_odds)
    distance = found.log_odds - found.base
    if abs(distance) > LEAST_DISTANCE:
        slope = (result - base) / distance
    else:
        steps = (found.base - LEAST_DISTANCE, found.base + LEAST_DISTANCE)
        slope = (increasing(steps[1]) - increasing(steps[0])) / (2 * LEAST_DISTANCE)
    return Attribution(base, found.parts * slope)


def _odds_of_share(share: float) -> float:
    return odds_of(float(bounded(np.array(share))))


def _of_trees(trees: Trees, row: Floats) -> Attribution:
    leaves = _leaves(trees, len(row))
    agrees = np.ones(leaves.features.size)
    null = np.isnan(row)
    wide = np.concatenate((np.where(null, -np.inf, row), np.where(null, np.inf, row)))
    above = wide[trees.columns] > trees.thresholds
    agrees[leaves.position[above[leaves.node] != leaves.side]] = 0.0
    shapley = _shapley(agrees.reshape(leaves.features.shape), leaves.shares)
    parts = np.zeros(len(row))
    np.add.at(parts, leaves.features, leaves.values[:, None] * shapley)
    base = trees.baseline + float((leaves.values * leaves.shares.prod(axis=1)).sum())
    return Attribution(base, parts)


def _shapley(agrees: Floats, shares: Floats) -> Floats:
    """The Shapley values of each leaf's features, for a leaf that gives 1."""
    players = agrees.shape[1]
    weights = [
        factorial(k) * factorial(players - 1 - k) / factorial(players) for k in range(players)
    ]
    found = np.empty_like(agrees)
    for player in range(players):
        others = [j for j in range(players) if j != player]
        # Row k holds for each leaf the coefficient of x^k of the product so far.
        coefficients = np.zeros((players, len(agrees)))
        coefficients[0] = 1.0
        for other in others:
            # The last row is 0, and so becomes the first.
            shifted = np.roll(coefficients, 1, axis=0)
            coefficients = coefficients * shares[:, other] + shifted * agrees[:, other]
        found[:, player] = np.asarray(weights) @ coefficients
    return found * (agrees - shares)


@lru_cache(maxsize=4)
def _leaves(trees: Trees, features: int) -> _Leaves:
    """The leaves of `trees`; each model's are found once."""
    leaf = trees.children[::2] == np.arange(len(trees.columns))
    paths = [path for root in trees.roots for path in _paths(trees, leaf, int(root))]
    slots = [_slots(trees, path, features) for _, path in paths]
    width = max(1, *(len(slot) for slot in slots))
    names, shares = np.zeros((len(paths), width), np.intp), np.ones((len(paths), width))
    steps: list[tuple[int, int, int]] = []
    for number, ((_, path), slot) in enumerate(zip(paths, slots, strict=True)):
        for feature, own in slot.items():
            names[number, own] = feature
        for step in path:
            own = slot[int(trees.columns[step.node]) % features]
            shares[number, own] *= step.share
            steps.append((step.node, step.side, number * width + own))
    node, side, position = np.array(steps, dtype=np.intp).reshape(-1, 3).T
    values = np.array([trees.values[end] for end, _ in paths])
    return _Leaves(values, names, shares, node, side, position)


def _paths(trees: Trees, leaf: Mask, root: int) -> list[tuple[int, tuple[_Step, ...]]]:
    """Each leaf of one tree, with the steps that lead to it."""
    found, open_paths = [], [(root, tuple[_Step, ...]())]
    while open_paths:
        node, steps = open_paths.pop()
        if leaf[node]:
            found.append((node, steps))
            continue
        below, above = (int(child) for child in trees.children[2 * node : 2 * node + 2])
        rows = trees.rows[below] + trees.rows[above]
        share = float(trees.rows[below] / rows) if rows > 0 else 0.5
        open_paths.append((above, (*steps, _Step(node, 1, 1.0 - share))))
        open_paths.append((below, (*steps, _Step(node, 0, share))))
    return found


def _slots(trees: Trees, path: tuple[_Step, ...], features: int) -> dict[int, int]:
    """A slot for each feature on a path, in the order of their first step."""
    names = dict.fromkeys(int(trees.columns[step.node]) % features for step in path)
    return {feature: position for position, feature in enumerate(names)}
