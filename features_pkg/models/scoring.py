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
from features_pkg.models.unpickling import REFUSALS

LARGEST: Final = float(np.finfo(np.float64).max)
CHUNK: Final = 4096
"""Rows that walk the trees together: their nodes in all trees still fit a processor's cache."""


class PipelineUnknown(ValueError):
    """A pipeline that `compile_pipeline` does not know how to read."""


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


@dataclass(frozen=True, slots=True, eq=False)
class TreeScorer:
    """Boosted trees, all of them in one array of nodes; `roots` are the trees' first nodes.

    From node i a row goes to `children[2 * i]` where its value in `columns[i]` is at most
    `thresholds[i]`, else to `children[2 * i + 1]`. A leaf is its own child, so that after `depth`
    steps every row is at a leaf of every tree, whose `values` are added up.

    Each node says where nulls go, and no step tests for null: a row of n features is looked up as
    2 n values, `-inf` for null in the first n and `+inf` in the second. A node that sends nulls
    left reads column f, one that sends them right reads column n + f.
    """

    roots: NDArray[np.intp]
    columns: NDArray[np.intp]
    thresholds: Floats
    children: NDArray[np.intp]
    values: Floats
    depth: int
    baseline: float
    rows: Floats
    """How many rows of the training came to each node; only explanations need them."""

    def scores(self, rows: Floats) -> Floats:
        """One probability per row."""
        starts = range(0, len(rows), CHUNK)
        chunks = [self._chunk_scores(rows[start : start + CHUNK]) for start in starts]
        return np.concatenate(chunks) if chunks else np.empty(0)

    def score(self, row: Sequence[float]) -> float:
        """The probability of one row: the same bits, because NumPy adds up and exponentiates."""
        code = leaf_values(self, len(row))
        if code is None:
            return float(self.scores(np.array([row]))[0])
        return float(_probability(self.baseline + np.array(code(row)).sum()))

    def _chunk_scores(self, rows: Floats) -> Floats:
        null = np.isnan(rows)
        wide = np.hstack((np.where(null, -np.inf, rows), np.where(null, np.inf, rows)))
        # `flat[start + column]` is a row's value: one index where `wide[row, column]` takes two.
        start = (np.arange(len(rows)) * wide.shape[1])[:, None]
        flat = wide.ravel()
        # `node` holds for each row (down) the node it has reached in each tree (across).
        node = np.broadcast_to(self.roots, (len(rows), len(self.roots)))
        for _ in range(self.depth):
            above = flat[start + self.columns[node]] > self.thresholds[node]
            node = self.children[2 * node + above]
        return np.asarray(_probability(self.baseline + self.values[node].sum(axis=1)))


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
        return _trees(step)
    except REFUSALS as error:
        raise PipelineUnknown(f"{type(error).__name__}: {error}") from error


def _fraud_share(dummy: Any) -> float:
    shares = zip(dummy.classes_, dummy.class_prior_, strict=True)
    return next((float(share) for label, share in shares if int(label) == 1), 0.0)


def _trees(boosting: Any) -> TreeScorer:
    if [int(label) for label in boosting.classes_] != [0, 1]:
        raise PipelineUnknown(f"the classes are {boosting.classes_}, not 0 and 1")
    trees = [predictor.nodes for (predictor,) in boosting._predictors]
    nodes = np.concatenate(trees)
    if nodes["is_categorical"].any():
        raise PipelineUnknown("a tree splits by category")
    sizes = np.array([len(tree) for tree in trees])
    _check_ways(nodes, sizes, int(boosting.n_features_in_))
    roots = np.cumsum(sizes) - sizes
    offsets = np.repeat(roots, sizes)
    # scikit-learn numbers children within their tree; `offsets` make that positions in `nodes`.
    leaf = nodes["is_leaf"].astype(bool)
    own_position = np.arange(len(nodes))
    children = np.empty(2 * len(nodes), dtype=np.intp)
    children[0::2] = np.where(leaf, own_position, nodes["left"] + offsets)
    children[1::2] = np.where(leaf, own_position, nodes["right"] + offsets)
    nulls_right = np.where(nodes["missing_go_to_left"].astype(bool), 0, boosting.n_features_in_)
    return TreeScorer(
        roots=roots.astype(np.intp),
        columns=np.where(leaf, 0, nodes["feature_idx"] + nulls_right).astype(np.intp),
        # An infinite threshold parts nulls from all numbers. Nulls are infinite here, so the
        # largest number does it: no number is above it, and +inf is.
        thresholds=np.minimum(nodes["num_threshold"], LARGEST),
        children=children,
        values=np.where(leaf, nodes["value"], 0.0),
        depth=int(nodes["depth"].max()),
        baseline=float(boosting._baseline_prediction[0, 0]),
        rows=nodes["count"].astype(np.float64),
    )


def _check_ways(nodes: NDArray[np.void], sizes: NDArray[np.intp], features: int) -> None:
    """Raise PipelineUnknown unless every walk stays in its tree and its row, and ends at a leaf.

    scikit-learn's own walk checks nothing: from forged nodes it reads any memory, or never ends.
    """
    inner = ~nodes["is_leaf"].astype(bool)
    size = np.repeat(sizes, sizes)
    own_position = np.arange(len(nodes)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    for child in (nodes["left"], nodes["right"]):
        # Children come after their parent, so no walk comes back to where it was.
        if (inner & ((child <= own_position) | (child >= size))).any():
            raise PipelineUnknown("a tree leads out of itself or in a circle")
    starts = np.repeat(np.cumsum(sizes) - sizes, sizes)
    children = np.concatenate([(nodes[side] + starts)[inner] for side in ("left", "right")])
    if len(np.unique(children)) < len(children):
        raise PipelineUnknown("two ways of a tree lead to one node")
    column = nodes["feature_idx"]
    if (inner & ((column < 0) | (column >= features))).any():
        raise PipelineUnknown(f"a tree reads a column beyond the {features} there are")
    if not sizes.all() or (nodes["depth"] >= size).any():
        raise PipelineUnknown("a tree is empty, or deeper than it has nodes")
