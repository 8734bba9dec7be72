"""A model fitted on the training part, and calibrated by folds of it."""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from sklearn.pipeline import Pipeline

from features_pkg.array_types import Floats
from features_pkg.models.calibration import Calibration
from features_pkg.models.manifest import Sampling
from features_pkg.models.scoring import probability
from jobs.train.calibrating import calibrate
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

    `validated` are the orders that its folds scored, with the calibrated scores. Without a
    calibration `not_calibrated` says why.
    """

    features: tuple[str, ...]
    pipeline: Pipeline
    medians: tuple[float | None, ...]
    sampling: Sampling | None
    out_of_fold: OutOfFold
    validated: FittedOrders
    validated_scores: Floats
    calibration: Calibration | None
    not_calibrated: str


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
    calibration = _calibration(recipe, orders, weights, validated)
    pipeline = fit(matrix, orders.labels, columns.features, seed, weights, estimator)
    if len(np.unique(orders.labels)) == 1:
        calibration = "it gives all orders the same score"
    log_odds = validated.log_odds
    if isinstance(calibration, Calibration):
        log_odds = calibration.many(log_odds)
    return FittedModel(
        features=columns.features,
        pipeline=pipeline,
        medians=medians_of(matrix, weights),
        sampling=sampled.sampling,
        out_of_fold=validated,
        validated=FittedOrders(orders.take(validated.positions), sampled.sampling),
        validated_scores=np.asarray(probability(log_odds)),
        calibration=calibration if isinstance(calibration, Calibration) else None,
        not_calibrated=calibration if isinstance(calibration, str) else "",
    )


def _calibration(
    recipe: Recipe, orders: LabelledOrders, weights: Floats | None, validated: OutOfFold
) -> Calibration | str:
    """The calibration that the recipe asks for, or why there is none."""
    if recipe.calibration == "none":
        return "none was asked for"
    if recipe.folds == 0:
        return "no folds were asked for"
    if not validated.folds:
        return "the training period is too short for folds, or has too few charged back orders"
    chosen = validated.positions
    counts = None if weights is None else weights[chosen]
    return calibrate(recipe.calibration, validated.log_odds, orders.labels[chosen], counts)
