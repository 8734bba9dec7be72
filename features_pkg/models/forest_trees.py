"""The trees of a fitted RandomForestClassifier."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from features_pkg.array_types import Floats
from features_pkg.models.trees import (
    LARGEST,
    GrownNodes,
    PipelineUnknown,
    Trees,
    check_classes,
    flat_trees,
)

LARGEST_SINGLE: Final = float(np.finfo(np.float32).max)


def forest_trees(forest: Any) -> Trees:
    """Its trees, whose leaves add up to the share of fraud: each has its own, over their number.

    Raises PipelineUnknown unless they are trees of two classes that can be walked.
    """
    check_classes(forest.classes_)
    features = int(forest.n_features_in_)
    _check_prediction(forest, features)
    trees = [tree.tree_ for tree in forest.estimators_]
    states = [tree.__getstate__() for tree in trees]
    nodes = np.concatenate([state["nodes"] for state in states])
    shares = np.concatenate([state["values"][:, 0, 1] for state in states])
    if not ((shares >= 0.0) & (shares <= 1.0)).all():
        raise PipelineUnknown("a node has a share of fraud that is not from 0 to 1")
    sizes = np.array([len(state["nodes"]) for state in states], dtype=np.intp)
    leaf = nodes["left_child"] == -1
    grown = GrownNodes(
        sizes=sizes,
        is_leaf=leaf,
        left=nodes["left_child"],
        right=nodes["right_child"],
        column=nodes["feature"],
        threshold=as_double_thresholds(nodes["threshold"]),
        nulls_left=nodes["missing_go_to_left"].astype(bool),
        value=shares / len(trees),
        rows=nodes["weighted_n_node_samples"],
    )
    flat = flat_trees(grown, features=features, depth=0, baseline=0.0)
    return replace(flat, depth=_depth(flat))


def as_double_thresholds(thresholds: Floats) -> Floats:
    """The thresholds for values as they are, where scikit-learn rounds values to float32 first.

    Rounding keeps order, so the doubles that round to at most a threshold end somewhere: half way
    between the last float32 that is at most the threshold and the next one. The double half way
    itself is rounded to the one of the two that is even.

    >>> as_double_thresholds(np.array([16777216.0])).tolist()  # 2 ** 24: 16777217 is rounded to it
    [16777217.0]
    """
    with np.errstate(over="ignore"):
        last = np.clip(thresholds, -LARGEST_SINGLE, LARGEST_SINGLE).astype(np.float32)
        last = np.where(last > thresholds, np.nextafter(last, np.float32(-np.inf)), last)
        following = np.nextafter(last, np.float32(np.inf)).astype(np.float64)
        is_last = np.isinf(following)
        middle = (last.astype(np.float64) + np.where(is_last, 0.0, following)) / 2
        rounds_up = middle.astype(np.float32) > thresholds
        middle = np.where(rounds_up, np.nextafter(middle, -np.inf), middle)
    return np.where(is_last, LARGEST, middle)


def _check_prediction(forest: Any, features: int) -> None:
    """Raise PipelineUnknown unless scikit-learn predicts by these trees, and by them alone.

    A tree that says it has more nodes than were given would be read beyond its memory.
    """
    if forest.n_jobs is not None or forest.verbose:
        raise PipelineUnknown("the forest predicts in threads of its own or prints")
    for tree in forest.estimators_:
        grown = tree.tree_
        if type(grown).__name__ != "Tree" or grown.node_count != grown.capacity:
            raise PipelineUnknown("a tree does not have as many nodes as it says")
        if {int(tree.n_features_in_), int(grown.n_features)} != {features}:
            raise PipelineUnknown("a tree was fitted on other features than its forest")


def _depth(trees: Trees) -> int:
    """The longest way from a root to a leaf; children come after their parents, so it ends."""
    nodes: NDArray[np.intp] = trees.roots
    for depth in range(len(trees.values)):
        nodes = nodes[trees.children[2 * nodes] != nodes]
        if not len(nodes):
            return depth
        nodes = np.concatenate((trees.children[2 * nodes], trees.children[2 * nodes + 1]))
    raise PipelineUnknown("a tree has no leaf")
