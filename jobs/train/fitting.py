"""A model fitted on the training part, and calibrated by folds of it."""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from sklearn.pipeline import Pipeline

from features_pkg.array_types import Floats
from features_pkg.models.calibration import Calibration
from features_pkg.models.manifest import Sampling
from features_pkg.models.scoring import probability
from jobs.train.calibration_rule import choose_calibration
from jobs.train.choice import Recipe
from jobs.train.estimators.by_name import ESTIMATORS
from jobs.train.feature_batches import FeatureFiles
from jobs.train.folds import NO_FOLDS, OutOfFold, folds_of, out_of_fold
from jobs.train.medians import medians_of
from jobs.train.orders import LabelledOrders
from jobs.train.pipeline import fit
from jobs.train.sampling import FittedOrders


@dataclass(frozen=True, slots=True)
class FittedModel:
    """A fitted pipeline, its columns with their medians, and which orders it was fitted on.

    `validated` are the orders that trusted folds scored, with the calibrated scores.
    `calibration_reason` says why there is this calibration, or none.
    """

    features: tuple[str, ...]
    pipeline: Pipeline
    medians: tuple[float | None, ...]
    sampling: Sampling | None
    out_of_fold: OutOfFold
    validated: FittedOrders
    validated_scores: Floats
    calibration: Calibration | None
    calibration_reason: str


def fit_model(
    columns: FeatureFiles, sampled: FittedOrders, maturity: timedelta, recipe: Recipe, seed: int
) -> FittedModel:
    """Read the features of the sampled orders once, and fit the folds and the model on them."""
    orders, weights = sampled.orders, sampled.weights
    matrix = columns.matrix(orders.rows)
    estimator = ESTIMATORS[recipe.estimator]
    validated = NO_FOLDS
    if folds := folds_of(orders, maturity, recipe.folds):
        validated = out_of_fold(orders, weights, matrix, folds, estimator, seed)
    calibration, reason = _calibration(recipe, orders, weights, validated)
    pipeline = fit(matrix, orders.labels, columns.features, seed, weights, estimator)
    if len(np.unique(orders.labels)) == 1:
        calibration, reason = None, "it gives all orders the same score"
    trusted = validated.trusted(len(orders))
    log_odds = trusted.log_odds
    if calibration is not None:
        log_odds = calibration.many(log_odds)
    return FittedModel(
        features=columns.features,
        pipeline=pipeline,
        medians=medians_of(matrix, weights),
        sampling=sampled.sampling,
        out_of_fold=validated,
        validated=FittedOrders(orders.take(trusted.positions), sampled.sampling),
        validated_scores=np.asarray(probability(log_odds)),
        calibration=calibration,
        calibration_reason=reason,
    )


def _calibration(
    recipe: Recipe, orders: LabelledOrders, weights: Floats | None, validated: OutOfFold
) -> tuple[Calibration | None, str]:
    """The calibration that the recipe and the folds allow, or None; and why, in words."""
    if recipe.calibration == "none":
        return None, "none was asked for"
    if recipe.folds == 0:
        return None, "no folds were asked for"
    if not validated.folds:
        reason = "the training period is too short for folds, or has too few charged back orders"
        return None, reason
    return choose_calibration(recipe.calibration, orders, weights, validated)
