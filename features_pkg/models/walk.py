"""The walk of rows through trees, from the roots to a leaf of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from features_pkg.array_types import Floats
from features_pkg.models.one_row import leaf_values
from features_pkg.models.trees import Trees

CHUNK: Final = 4096
"""Rows that walk the trees together: their nodes in all trees still fit a processor's cache."""


def leaves(trees: Trees, rows: Floats) -> NDArray[np.intp]:
    """The leaf (across: of each tree) at which each row (down) ends; give few rows at once."""
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


def sums(trees: Trees, rows: Floats) -> Floats:
    """The baseline and the values of a row's leaves, added up, for each row."""
    starts = range(0, len(rows), CHUNK)
    chunks = [_sums(trees, rows[start : start + CHUNK]) for start in starts]
    return np.concatenate(chunks) if chunks else np.empty(0)


def row_sum(trees: Trees, row: Sequence[float]) -> float:
    """What `sums` gives a single row, in less time: the same bits, because NumPy adds up."""
    code = leaf_values(trees, len(row))
    if code is None:
        return float(_sums(trees, np.array([row]))[0])
    return float(trees.baseline + np.array(code(row)).sum())


def _sums(trees: Trees, rows: Floats) -> Floats:
    found: Floats = trees.baseline + trees.values[leaves(trees, rows)].sum(axis=1)
    return found
