"""Boosted trees as flat arrays, read out of a fitted scikit-learn classifier."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from features_pkg.array_types import Floats

LARGEST: Final = float(np.finfo(np.float64).max)


class PipelineUnknown(ValueError):
    """A pipeline that `compile_pipeline` does not know how to read."""


@dataclass(frozen=True, slots=True, eq=False)
class Trees:
    """All trees in one array of nodes; `roots` are their first nodes.

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


def trees_of(boosting: Any) -> Trees:
    """The trees of a fitted HistGradientBoostingClassifier.

    Raises PipelineUnknown unless they are trees over numbers, of two classes.
    """
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
    return Trees(
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
