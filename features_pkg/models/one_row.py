"""One row on its way through boosted trees, as Python code that is generated once for a model.

For one row NumPy costs more for its calls than for the walk. Here a tree is a conditional
expression of numbers, such as `(0.2 if row[3]<=1.5 else (0.3 if row[7]>2.0 else -0.1))`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from math import inf, nan
from typing import Final, TypeAlias

from features_pkg.models.trees import Trees

DEEPEST: Final = 60
"""Python's parser takes 200 brackets within each other, and two are around all trees."""
MOST_NODES: Final = 50_000
"""They take a second to compile, and a few megabytes."""

LeafValues: TypeAlias = Callable[[Sequence[float]], tuple[float, ...]]
"""The value of the leaf to which a row comes in each tree."""


@lru_cache(maxsize=2)
def leaf_values(trees: Trees, features: int) -> LeafValues | None:
    """The code for rows of so many features; None if the trees are too many or too deep for it."""
    if trees.depth > DEEPEST or len(trees.values) > MOST_NODES:
        return None
    expressions = [_expression(trees, int(root), features, trees.depth) for root in trees.roots]
    code = compile(f"lambda row: ({','.join(expressions)},)", "<trees>", "eval")
    function: LeafValues = eval(code, {"inf": inf, "nan": nan})  # noqa: S307  of numbers only
    return function


def _expression(trees: Trees, node: int, features: int, steps: int) -> str:
    """The value of the node to which `row` comes from this one in so many steps.

    No comparison is true of NaN, so where nulls go left it is asked what goes right.
    """
    left, right = (int(child) for child in trees.children[2 * node : 2 * node + 2])
    if left == node or not steps:
        return repr(float(trees.values[node]))
    column, threshold = int(trees.columns[node]), float(trees.thresholds[node])
    below, above = (_expression(trees, child, features, steps - 1) for child in (left, right))
    if column < features:
        return f"({above} if row[{column}]>{threshold!r} else {below})"
    return f"({below} if row[{column - features}]<={threshold!r} else {above})"
