"""How many orders came to each node of the trees, where an order counts for several.

scikit-learn counts the rows it was given. Explanations average over these counts, so of a sample
they would be averages of a world that has more fraud.
"""

import numpy as np
from sklearn.pipeline import Pipeline

from features_pkg.array_types import Floats
from features_pkg.models.scoring import TreeScorer, compile_pipeline
from features_pkg.models.trees import PipelineUnknown
from features_pkg.models.walk import CHUNK, leaves


def weigh_node_counts(pipeline: Pipeline, matrix: Floats, weights: Floats) -> None:
    """Let each node of the fitted trees count the weights of the rows that came to it, rounded.

    Raises PipelineUnknown unless the trees are boosted ones.
    """
    scorer = compile_pipeline(pipeline)
    if not isinstance(scorer, TreeScorer):
        raise PipelineUnknown(f"{type(scorer).__name__} has no boosted trees")
    sums = _sums_of_leaves(scorer, matrix, weights)
    (_, boosting) = pipeline.steps[-1]
    first = 0
    for (predictor,) in boosting._predictors:
        nodes = predictor.nodes
        own = sums[first : first + len(nodes)]
        # A node comes before its children, so from the last one on each has those of its leaves.
        for node in range(len(nodes) - 1, -1, -1):
            if not nodes["is_leaf"][node]:
                own[node] = own[nodes["left"][node]] + own[nodes["right"][node]]
        nodes["count"] = np.rint(own)
        first += len(nodes)


def _sums_of_leaves(scorer: TreeScorer, matrix: Floats, weights: Floats) -> Floats:
    sums = np.zeros(len(scorer.trees.columns))
    for start in range(0, len(matrix), CHUNK):
        reached = leaves(scorer.trees, matrix[start : start + CHUNK])
        of_rows = np.repeat(weights[start : start + CHUNK], reached.shape[1])
        sums += np.bincount(reached.ravel(), of_rows, minlength=len(sums))
    return sums
