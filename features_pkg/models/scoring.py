"""A trained classifier as flat arrays: one row is scored without scikit-learn.

`predict_proba` costs some 2 ms a call for one row, nearly all of it checks. Walking the same trees
over arrays costs a tenth, and gives the same number; `one_row` walks them for a single row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from features_pkg.array_types import Floats
from features_pkg.models.one_row import leaf_values
from features_pkg.models.trees import PipelineUnknown, Trees, trees_of
from features_pkg.models.unpickling import REFUSALS

CHUNK: Final = 4096
"""Rows that walk the trees together: their nodes in all trees still fit a processor's cache."""


class Scorer(Protocol):
    """Gives each row of finite or NaN values a probability of fraud."""

    def scores(self, rows: Floats) -> Floats:
        """One probability per row of `(n, features)`."""
        ...

    def score(self, row: Sequence[float]) -> float:
        """What `scores` gives a single row, in less time."""
        ...


@dataclass(frozen=True, slots=True)
class ConstantScorer:
    """The share of fraud in training, whatever the row: all that data of one class can teach."""

    probability: float

    def scores(self, rows: Floats) -> Floats:
        """The same probability for each row."""
        return np.full(len(rows), self.probability)

    def score(self, row: Sequence[float]) -> float:
        """The same probability."""
        return self.probability


@dataclass(frozen=True, slots=True)
class TreeScorer:
    """The probability by boosted trees: the log odds of a row are its leaves' values, added up."""

    trees: Trees

    def scores(self, rows: Floats) -> Floats:
        """One probability per row."""
        starts = range(0, len(rows), CHUNK)
        chunks = [self._chunk_scores(rows[start : start + CHUNK]) for start in starts]
        return np.concatenate(chunks) if chunks else np.empty(0)

    def score(self, row: Sequence[float]) -> float:
        """The probability of one row: the same bits, because NumPy adds up and exponentiates."""
        code = leaf_values(self.trees, len(row))
        if code is None:
            return float(self.scores(np.array([row]))[0])
        return float(_probability(self.trees.baseline + np.array(code(row)).sum()))

    def leaves(self, rows: Floats) -> NDArray[np.intp]:
        """The leaf (across: of each tree) at which each row (down) ends; give few rows at once."""
        trees = self.trees
        null = np.isnan(rows)
        wide = np.hstack((np.where(null, -np.inf, rows), np.where(null, np.inf, rows)))
        # `flat[start + column]` is a row's value: one index where `wide[row, column]` takes two.
        start = (np.arange(len(rows)) * wide.shape[1])[:, None]
        flat = wide.ravel()
        # `node` holds for each row (down) the node it has reached in each tree (across).
        node = np.broadcast_to(trees.roots, (len(rows), len(trees.roots)))
        for _ in range(trees.depth):
            above = flat[start + trees.columns[node]] > trees.thresholds[node]
            node = trees.children[2 * node + above]
        return node

    def _chunk_scores(self, rows: Floats) -> Floats:
        values = self.trees.values[self.leaves(rows)]
        return np.asarray(_probability(self.trees.baseline + values.sum(axis=1)))


def _probability(raw: Any) -> Any:
    """The probability by log odds, a number of NumPy's or an array."""
    with np.errstate(over="ignore"):  # where exp(-raw) is inf, the score is 0
        return 1.0 / (1.0 + np.exp(-raw))


def compile_pipeline(pipeline: Any) -> Scorer:
    """The scorer of a fitted scikit-learn pipeline of one step.

    Raises PipelineUnknown when the step is neither boosted trees over numbers for two classes nor
    a constant, or when scikit-learn stores its trees differently than in the locked version.
    """
    try:
        (step,) = (step for _, step in pipeline.steps)
        if type(step).__name__ == "DummyClassifier":
            return ConstantScorer(_fraud_share(step))
        return TreeScorer(trees_of(step))
    except REFUSALS as error:
        raise PipelineUnknown(f"{type(error).__name__}: {error}") from error


def _fraud_share(dummy: Any) -> float:
    shares = zip(dummy.classes_, dummy.class_prior_, strict=True)
    return next((float(share) for label, share in shares if int(label) == 1), 0.0)
