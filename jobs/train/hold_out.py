"""The scores of the hold-out, which is never in memory as a whole."""

from dataclasses import dataclass, replace

import numpy as np

from features_pkg.array_types import Floats
from jobs.train.feature_batches import FeatureFiles
from jobs.train.fitting import FittedModel
from jobs.train.intervals import Resampling, differences_of
from jobs.train.orders import LabelledOrders
from jobs.train.page.sampled_rows import SampledRows
from jobs.train.pipeline import calibrated_scores
from jobs.train.report import Comparison, CurrentModel


@dataclass(frozen=True, slots=True)
class MeasuredHoldOut:
    """The scores of all orders of a hold-out, and how the current model does on them.

    Without a comparison `not_compared` says why. `sampled` has all features of a few orders.
    """

    orders: LabelledOrders
    scores: Floats
    current_scores: Floats | None
    sampled: SampledRows
    comparison: Comparison | None
    not_compared: str


def measure_hold_out(
    source: FeatureFiles,
    hold_out: LabelledOrders,
    fitted: FittedModel,
    current: CurrentModel,
    seed: int,
) -> MeasuredHoldOut:
    """Score the orders of the hold-out, batch after batch, with both models."""
    scores, current_scores = np.empty(len(hold_out)), np.empty(len(hold_out))
    current_scoring, reason = current.scoring(source.features)
    sampled = SampledRows.of(hold_out, len(source.features), seed)
    for positions, values in sampled.filled_by(source.batches(hold_out.rows)):
        scores[positions] = calibrated_scores(fitted.pipeline, values, fitted.calibration)
        if current_scoring:
            current_scores[positions] = current_scoring(values)
    comparison = current.compare(hold_out, current_scores) if current_scoring else None
    if comparison is not None:
        resampling = Resampling.of(hold_out.days, seed)
        differences = differences_of(resampling, hold_out.labels, scores, current_scores)
        comparison = replace(
            comparison,
            roc_auc_difference=differences[0],
            average_precision_difference=differences[1],
        )
    return MeasuredHoldOut(
        orders=hold_out,
        scores=scores,
        current_scores=current_scores if current_scoring else None,
        sampled=sampled,
        comparison=comparison,
        not_compared=reason,
    )
