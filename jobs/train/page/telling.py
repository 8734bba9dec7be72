"""The features that tell most, and how their values are distributed by outcome."""

from typing import Final

import numpy as np
from sklearn.pipeline import Pipeline

from features_pkg.array_types import Floats, Ints, Mask
from features_pkg.models.scoring import ForestScorer, Scorer, TreeScorer, compile_pipeline
from features_pkg.models.shapley import attribution
from jobs.train.feature_batches import FeatureFiles
from jobs.train.orders import LabelledOrders
from jobs.train.page.binning import rounded_quantiles
from jobs.train.page.curves import outcome_bins
from jobs.train.page.figures import FeatureBins
from jobs.train.page.sampled_rows import SampledRows

MOST_EXPLAINED, LEAST_EXPLAINED = 100, 10
"""How many orders of each outcome are explained, if there are as many."""
WALKED_NODES: Final = 500_000
"""So many nodes of trees take some seconds, which is what decides between the two."""
SHOWN: Final = 9
BINS_OF_AN_OUTCOME: Final = 5
"""Its quantiles are among the bounds of bins, so that both outcomes are told apart."""


def moves(sampled: SampledRows, hold_out: LabelledOrders, pipeline: Pipeline) -> tuple[Floats, int]:
    """How far each feature moves the log odds on average, and of how many orders."""
    scorer = compile_pipeline(pipeline)
    labels = hold_out.labels[sampled.positions]
    most = _explained(scorer)
    rows = np.concatenate([sampled.values[labels == each][:most] for each in (False, True)])
    parts = [np.abs(attribution(scorer, row).parts) for row in rows]
    return np.mean(parts, axis=0), len(rows)


def _explained(scorer: Scorer) -> int:
    nodes = len(scorer.trees.columns) if isinstance(scorer, TreeScorer | ForestScorer) else 1
    return max(LEAST_EXPLAINED, min(MOST_EXPLAINED, WALKED_NODES // (2 * nodes)))


def telling_features(
    columns: FeatureFiles, sampled: SampledRows, hold_out: LabelledOrders, moved: Floats
) -> tuple[FeatureBins, ...]:
    """The features that move scores most, each with its values in the whole hold-out.

    Raises ValueError unless `moved` has a number for each of the columns.
    """
    order = np.argsort(-moved, kind="stable")
    chosen = [int(position) for position in order[:SHOWN] if moved[position] > 0]
    if not chosen:
        return ()
    names = tuple(columns.features[position] for position in chosen)
    labels = hold_out.labels[sampled.positions]
    bounds = [_bounds(sampled.values[:, position], labels) for position in chosen]
    counts = _counts(FeatureFiles(columns.files, columns.described, names), bounds, hold_out)
    found = (
        (name, float(moved[position]), outcome_bins(each[:, :-1], bound, tuple(each[:, -1])))
        for name, position, each, bound in zip(names, chosen, counts, bounds, strict=True)
    )
    return tuple(FeatureBins(name, moves, bins) for name, moves, bins in found if bins is not None)


def _counts(
    columns: FeatureFiles, bounds: list[tuple[float, ...]], hold_out: LabelledOrders
) -> list[Ints]:
    """For each column the orders (outcome, bin); the last bin is that of nulls."""
    counts = [np.zeros((2, len(each) + 2), dtype=np.int64) for each in bounds]
    for positions, values in columns.batches(hold_out.rows):
        labels = hold_out.labels[positions].astype(np.int64)
        for column, (of_column, between) in enumerate(zip(counts, bounds, strict=True)):
            bins = np.searchsorted(between, values[:, column], side="right")
            bins[np.isnan(values[:, column])] = len(between) + 1
            np.add.at(of_column, (labels, bins), 1)
    return counts


def _bounds(values: Floats, labels: Mask) -> tuple[float, ...]:
    known = ~np.isnan(values)
    of_outcomes = (values[known & ~labels], values[known & labels])
    found = (rounded_quantiles(each, BINS_OF_AN_OUTCOME) for each in of_outcomes)
    return tuple(sorted(set().union(*found)))
