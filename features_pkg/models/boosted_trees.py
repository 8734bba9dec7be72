"""The trees of a fitted HistGradientBoostingClassifier."""

from __future__ import annotations

from typing import Any

import numpy as np

from features_pkg.models.trees import (
    GrownNodes,
    PipelineUnknown,
    Trees,
    check_classes,
    flat_trees,
)


def boosted_trees(boosting: Any) -> Trees:
    """Its trees, whose leaves add up to log odds.

    Raises PipelineUnknown unless they are trees over numbers, of two classes.
    """
    check_classes(boosting.classes_)
    trees = [predictor.nodes for (predictor,) in boosting._predictors]
    nodes = np.concatenate(trees)
    if nodes["is_categorical"].any():
        raise PipelineUnknown("a tree splits by category")
    sizes = np.array([len(tree) for tree in trees], dtype=np.intp)
    grown = GrownNodes(
        sizes=sizes,
        is_leaf=nodes["is_leaf"].astype(bool),
        left=nodes["left"],
        right=nodes["right"],
        column=nodes["feature_idx"],
        threshold=nodes["num_threshold"],
        nulls_left=nodes["missing_go_to_left"].astype(bool),
        value=nodes["value"],
        rows=nodes["count"].astype(np.float64),
    )
    if (nodes["depth"] >= np.repeat(sizes, sizes)).any():
        raise PipelineUnknown("a tree is deeper than it has nodes")
    return flat_trees(
        grown,
        features=int(boosting.n_features_in_),
        depth=int(nodes["depth"].max()),
        baseline=float(boosting._baseline_prediction[0, 0]),
    )
