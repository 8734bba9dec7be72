"""From a committed training set to a signed model in the offline store."""

import tempfile
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np

from features_pkg.calendar import MICROSECOND, from_us, to_us
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.models.bundle import Bundle
from features_pkg.models.loading import load_model
from features_pkg.models.manifest import LabelledPeriod, MerchantThresholds, ModelManifest
from features_pkg.models.signing import SigningKey, VerifyKeys
from features_pkg.models.validation import ThresholdRule
from jobs.train.choice import DEFAULT_SEED, USUAL_RECIPE, Recipe
from jobs.train.errors import ModelNameTaken, OtherFeatureSet
from jobs.train.feature_batches import FeatureFiles
from jobs.train.fitting import FittedModel, fit_model
from jobs.train.hold_out import MeasuredHoldOut, measure_hold_out
from jobs.train.intervals import Resampling, intervals_of
from jobs.train.memory import MEMORY_OF, check_memory
from jobs.train.merchants import ScoredOrders, merchant_thresholds
from jobs.train.metrics import measure
from jobs.train.orders import LabelledOrders, read_orders
from jobs.train.packing import signed_bundle, without_reports
from jobs.train.page.measuring import PageSource, measure_figures
from jobs.train.report import NONE_CURRENT, CurrentModel
from jobs.train.sampling import sample
from jobs.train.split import Split, split_by_time
from jobs.train.thresholds import costs_of, suggest_thresholds
from jobs.training_set.errors import NothingToTrainOn
from jobs.training_set.facts import TrainingSetFacts, training_set_slot
from stores.offline.errors import RevisionMissing
from stores.offline.models import StoredModels
from stores.offline.revisions import Revision, read_revision
from stores.offline.runs import library_versions
from stores.offline.tables import OfflineStore


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingOptions:
    """What to train on, who signs the model, and which one it is compared with.

    `revision` is that of the training set. `velocity` false leaves out the velocity features.
    `sample` is how many orders the model is fitted on at most, None for all. `reserved` is the
    memory that processes beside this one have.
    """

    revision: int
    key: SigningKey
    current: CurrentModel = NONE_CURRENT
    velocity: bool = True
    seed: int = DEFAULT_SEED
    sample: int | None = None
    recipe: Recipe = USUAL_RECIPE
    reserved: int = 0


def train(store: OfflineStore, feature_set: FeatureSet, options: TrainingOptions) -> ModelManifest:
    """Fit, measure, sign and store a model; its manifest.

    What is in the store already is not written again. In the end the stored model is loaded as the
    service loads it.

    Raises RevisionMissing, OtherFeatureSet, NothingToTrainOn, PeriodTooShort, SampleTooSmall,
    NotEnoughMemory, ModelRefused or ModelNameTaken.
    """
    source = find_training_set(store, feature_set, options.revision)
    facts = source.facts
    features = facts.features if options.velocity else feature_set.order_features
    maturity = timedelta(days=facts.label_maturity_days)
    old_enough_us = to_us(facts.labels_as_of) - maturity // MICROSECOND
    if not source.rows:
        raise NothingToTrainOn(f"{source.name} has no order", "build it over days that have orders")
    orders = read_orders(store.files, source.files, old_enough_us)
    split = split_by_time(orders, maturity)
    sampled = sample(split.training, options.sample, options.seed)
    check_memory(
        orders=source.rows,
        fitted=len(sampled.orders),
        charged_back=int(sampled.orders.labels.sum()),
        features=len(features),
        of=MEMORY_OF[options.recipe.estimator],
        reserved=options.reserved,
    )
    columns = FeatureFiles(store.files, source.files, tuple(features))
    fitted = fit_model(columns, sampled, maturity, options.recipe, options.seed)
    measured = measure_hold_out(columns, split.hold_out, fitted, options.current, options.seed)
    merchants = _merchants(columns, fitted, measured, options.recipe.thresholds)
    manifest = _manifest(source, split, fitted, measured, options, merchants)
    figures = measure_figures(
        PageSource(
            columns=columns,
            facts=facts,
            pipeline=fitted.pipeline,
            measured=measured,
            review_threshold=manifest.metrics.review.threshold,
            block_threshold=manifest.metrics.block.threshold,
            rule=manifest.threshold_rule,
        )
    )
    bundle = signed_bundle(
        manifest, fitted.pipeline, options.key, measured.comparison, measured.not_compared, figures
    )
    return _store(StoredModels(store.files), feature_set, bundle, options.key)


def _merchants(
    columns: FeatureFiles, fitted: FittedModel, measured: MeasuredHoldOut, rule: ThresholdRule
) -> tuple[MerchantThresholds, ...]:
    """The thresholds of merchants with enough orders; their keys are read when all else is done."""
    if not len(fitted.validated.orders):
        return ()
    keys = FeatureFiles(columns.files, columns.described, ("merchant_id",))
    hold_out, validated = (
        keys.matrix(orders.rows)[:, 0].astype(np.int64)
        for orders in (measured.orders, fitted.validated.orders)
    )
    return merchant_thresholds(
        ScoredOrders(measured.orders, measured.scores, hold_out),
        ScoredOrders(fitted.validated.orders, fitted.validated_scores, validated),
        fitted.validated.weights,
        rule,
    )


def _store(
    models: StoredModels, feature_set: FeatureSet, bundle: Bundle, key: SigningKey
) -> ModelManifest:
    """Put the bundle into the store, and load what is there now as the service would."""
    name = bundle.manifest.name
    models.put(name, bundle.contents)
    with tempfile.TemporaryDirectory(prefix="ontem-") as scratch:
        folder = Path(scratch) / name
        models.fetch(name, folder)
        stored = load_model(folder, feature_set, VerifyKeys((key.public,))).manifest
    if without_reports(stored) != without_reports(bundle.manifest):
        raise ModelNameTaken(name=name, location=models.location(name))
    return stored


def find_training_set(
    store: OfflineStore, feature_set: FeatureSet, revision: int
) -> Revision[TrainingSetFacts]:
    """The training set of that revision. Raises RevisionMissing or OtherFeatureSet."""
    slot = training_set_slot(feature_set.version)
    name = slot.name(revision)
    try:
        training_set = read_revision(store, name, TrainingSetFacts)
    except RevisionMissing:
        remedy = (
            "run `ontem training-set --from DAY --to DAY` with these settings first, or "
            "`ontem train` without a revision to see those that are there"
        )
        raise RevisionMissing(name=name, remedy=remedy) from None
    found = training_set.facts.feature_set
    if found != feature_set.version:
        raise OtherFeatureSet(key=name, found=found, expected=feature_set.version)
    return training_set


def _manifest(
    source: Revision[TrainingSetFacts],
    split: Split,
    fitted: FittedModel,
    measured: MeasuredHoldOut,
    options: TrainingOptions,
    merchants: tuple[MerchantThresholds, ...],
) -> ModelManifest:
    """All that is known of the model before it is packed: it has no name and no files yet."""
    facts = source.facts
    rule = options.recipe.thresholds
    thresholds = suggest_thresholds(measured.scores, measured.orders.days, rule)
    return ModelManifest(
        name=f"{facts.end_day:%Y%m%d}",
        files={},
        estimator=options.recipe.estimator,
        signed_by=options.key.public.hex(),
        features=fitted.features,
        medians=fitted.medians,
        feature_set=facts.feature_set,
        timelines=facts.timelines,
        timezone=facts.timezone,
        snapshot_lag_seconds=facts.snapshot_lag_seconds,
        label_maturity_days=facts.label_maturity_days,
        labels_as_of=facts.labels_as_of,
        training=_period(split.training, split.hold_out_start_us),
        hold_out=_period(split.hold_out, to_us(facts.labels_as_of)),
        metrics=measure(measured.orders, measured.scores, thresholds),
        libraries=library_versions(),
        seed=options.seed,
        training_set=source.name,
        training_set_snapshot_id=source.snapshot_id,
        training_set_metadata_location=source.metadata_location,
        training_set_built_at=source.provenance.at,
        sampling=fitted.sampling,
        recipe=tuple(options.recipe.words),
        calibration=fitted.calibration,
        calibration_reason=fitted.calibration_reason,
        threshold_rule=rule,
        folds=fitted.out_of_fold.folds,
        intervals=intervals_of(
            Resampling.of(measured.orders.days, options.seed),
            measured.orders.labels,
            measured.scores,
            thresholds,
        ),
        merchants=merchants,
        costs=costs_of(measured.orders.labels, measured.scores, thresholds[1], rule),
    )


def _period(part: LabelledOrders, known_us: int) -> LabelledPeriod:
    start, end = (int(part.asked_us[0]), int(part.asked_us[-1])) if len(part) else (0, 0)
    return LabelledPeriod(
        start=from_us(start),
        end=from_us(end + 1),
        known_at=from_us(known_us),
        orders=len(part),
        charged_back=int(part.labels.sum()),
    )
