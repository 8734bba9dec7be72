"""Trees as flat arrays, whichever estimator grew them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from features_pkg.array_types import Floats, Mask

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


@dataclass(frozen=True, slots=True)
class GrownNodes:
    """The nodes of all trees, one tree after the other, as scikit-learn keeps them.

    `sizes` has the number of nodes of each tree; `left` and `right` are numbered within their tree.
    What a leaf has as children and column is not looked at.
    """

    sizes: NDArray[np.intp]
    is_leaf: Mask
    left: NDArray[Any]
    right: NDArray[Any]
    column: NDArray[Any]
    threshold: Floats
    nulls_left: Mask
    value: Floats
    rows: Floats


def flat_trees(nodes: GrownNodes, *, features: int, depth: int, baseline: float) -> Trees:
    """The trees of these nodes, over rows of so many features.

    Raises PipelineUnknown unless every walk stays in its tree and its row, and ends at a leaf.
    """
    _check_ways(nodes, features)
    leaf = nodes.is_leaf
    roots = np.cumsum(nodes.sizes) - nodes.sizes
    offsets = np.repeat(roots, nodes.sizes)
    # scikit-learn numbers children within their tree; `offsets` make that positions in `nodes`.
    own_position = np.arange(len(leaf))
    children = np.empty(2 * len(leaf), dtype=np.intp)
    children[0::2] = np.where(leaf, own_position, nodes.left + offsets)
    children[1::2] = np.where(leaf, own_position, nodes.right + offsets)
    nulls_right = np.where(nodes.nulls_left, 0, features)
    return Trees(
        roots=roots.astype(np.intp),
        columns=np.where(leaf, 0, nodes.column + nulls_right).astype(np.intp),
        # An infinite threshold parts nulls from all numbers. Nulls are infinite here, so the
        # largest number does it: no number is above it, and +inf is.
        thresholds=np.minimum(nodes.threshold, LARGEST),
        children=children,
        values=np.where(leaf, nodes.value, 0.0),
        depth=depth,
        baseline=baseline,
        rows=nodes.rows,
    )


def check_classes(classes: Any) -> None:
    """Raise PipelineUnknown unless these are the classes 0 and 1."""
    if [int(label) for label in classes] != [0, 1]:
        raise PipelineUnknown(f"the classes are {classes}, not 0 and 1")


def _check_ways(nodes: GrownNodes, features: int) -> None:
    """Raise PipelineUnknown unless every walk stays in its tree and its row, and ends at a leaf.

    scikit-learn's own walk checks nothing: from forged nodes it reads any memory, or never ends.
    """
    inner = ~nodes.is_leaf
    size = np.repeat(nodes.sizes, nodes.sizes)
    starts = np.repeat(np.cumsum(nodes.sizes) - nodes.sizes, nodes.sizes)
    own_position = np.arange(len(inner)) - starts
    for child in (nodes.left, nodes.right):
        # Children come after their parent, so no walk comes back to where it was.
        if (inner & ((child <= own_position) | (child >= size))).any():
            raise PipelineUnknown("a tree leads out of itself or in a circle")
    children = np.concatenate([(side + starts)[inner] for side in (nodes.left, nodes.right)])
    if len(np.unique(children)) < len(children):
        raise PipelineUnknown("two ways of a tree lead to one node")
    if (inner & ((nodes.column < 0) | (nodes.column >= features))).any():
        raise PipelineUnknown(f"a tree reads a column beyond the {features} there are")
    if not len(nodes.sizes) or not nodes.sizes.all():
        raise PipelineUnknown("a tree is empty")
