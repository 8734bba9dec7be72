"""A trained classifier as flat arrays: one row is scored without scikit-learn.

`predict_proba` costs some 2 ms a call for one row, nearly all of it checks. Walking the same trees
over arrays costs a tenth, and gives the same number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from features_pkg.array_types import Floats

LARGEST: Final = float(np.finfo(np.float64).max)
CHUNK: Final = 4096
"""Rows that are walked at once: their positions in all trees still fit a processor's cache."""


class Unknown(ValueError):
    """A pipeline of another make than `compile_pipeline` knows."""


class Scorer(Protocol):
    """Gives rows of finite or NaN values their probability."""

    def scores(self, rows: Floats) -> Floats:
        """One probability per row of `(n, features)`."""
        ...


@dataclass(frozen=True, slots=True)
class Constant:
    """The share of fraud, whatever the row: all that data of one class can teach."""

    probability: float

    def scores(self, rows: Floats) -> Floats:
        """The same for each row."""
        return np.full(len(rows), self.probability)


@dataclass(frozen=True, slots=True)
class Trees:
    """Boosted trees, all of them in one array of nodes.

    `children[2 i]` follows node i where its value is at most the threshold, `children[2 i + 1]`
    else; a leaf follows itself.
    A row is looked up twice as wide: with nulls below everything, then above everything.
    `columns` points at the half that sends a null where this node sends nulls.
    """

    roots: NDArray[np.intp]
    columns: NDArray[np.intp]
    thresholds: Floats
    children: NDArray[np.intp]
    values: Floats
    depth: int
    baseline: float

    def scores(self, rows: Floats) -> Floats:
        """One probability per row."""
        parts = [self._some(rows[at : at + CHUNK]) for at in range(0, len(rows), CHUNK)]
        return np.concatenate(parts) if parts else np.empty(0)

    def _some(self, rows: Floats) -> Floats:
        null = np.isnan(rows)
        wide = np.hstack((np.where(null, -np.inf, rows), np.where(null, np.inf, rows)))
        start = (np.arange(len(rows)) * wide.shape[1])[:, None]
        flat = wide.ravel()
        node = np.broadcast_to(self.roots, (len(rows), len(self.roots)))
        for _ in range(self.depth):
            above = flat[start + self.columns[node]] > self.thresholds[node]
            node = self.children[2 * node + above]
        raw = self.baseline + self.values[node].sum(axis=1)
        with np.errstate(over="ignore"):  # exp of a huge raw score is inf, and the share 0
            return np.asarray(1.0 / (1.0 + np.exp(-raw)))


def compile_pipeline(pipeline: Any) -> Scorer:
    """The scorer of a fitted scikit-learn pipeline of one step.

    Raises Unknown when the step is neither boosted trees over numbers for two classes nor a
    constant, or when scikit-learn keeps its trees otherwise than it does in the locked version.
    """
    try:
        (step,) = (step for _, step in pipeline.steps)
        if type(step).__name__ == "DummyClassifier":
            return Constant(_prior(step))
        return _trees(step)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise Unknown(f"{type(error).__name__}: {error}") from error


def _prior(dummy: Any) -> float:
    shares = zip(dummy.classes_, dummy.class_prior_, strict=True)
    return next((float(share) for label, share in shares if int(label) == 1), 0.0)


def _trees(boosting: Any) -> Trees:
    if [int(label) for label in boosting.classes_] != [0, 1]:
        raise Unknown(f"the classes are {boosting.classes_}, not 0 and 1")
    each = [predictor.nodes for (predictor,) in boosting._predictors]
    nodes = np.concatenate(each)
    if nodes["is_categorical"].any():
        raise Unknown("a tree splits by category")
    sizes = np.array([len(tree) for tree in each])
    roots = np.cumsum(sizes) - sizes
    offsets = np.repeat(roots, sizes)
    leaf = nodes["is_leaf"].astype(bool)
    itself = np.arange(len(nodes))
    children = np.empty(2 * len(nodes), dtype=np.intp)
    children[0::2] = np.where(leaf, itself, nodes["left"] + offsets)
    children[1::2] = np.where(leaf, itself, nodes["right"] + offsets)
    above = np.where(nodes["missing_go_to_left"].astype(bool), 0, boosting.n_features_in_)
    return Trees(
        roots=roots.astype(np.intp),
        columns=np.where(leaf, 0, nodes["feature_idx"] + above).astype(np.intp),
        # An infinite threshold parts nulls from all numbers; nulls are infinite here themselves.
        thresholds=np.minimum(nodes["num_threshold"], LARGEST),
        children=children,
        values=np.where(leaf, nodes["value"], 0.0),
        depth=int(nodes["depth"].max()),
        baseline=float(boosting._baseline_prediction[0, 0]),
    )
