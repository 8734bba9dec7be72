"""All figures of a page, from a hold-out's scores and the files of its training set."""

from dataclasses import dataclass
from typing import Final

from sklearn.pipeline import Pipeline

from features_pkg.array_types import Floats
from features_pkg.models.validation import ThresholdRule
from jobs.train.feature_batches import FeatureFiles
from jobs.train.hold_out import MeasuredHoldOut
from jobs.train.page.costs import review_costs, rule_costs
from jobs.train.page.curves import model_curves, score_bins
from jobs.train.page.extent import extent_of
from jobs.train.page.figures import Costs, Figures, Recall
from jobs.train.page.over_time import recalls
from jobs.train.page.telling import moves, telling_features
from jobs.training_set.facts import TrainingSetFacts

AMOUNT: Final = "amount_cents"


@dataclass(frozen=True, slots=True, kw_only=True)
class PageSource:
    """What the figures are measured on, the model's thresholds, and what they were chosen by."""

    columns: FeatureFiles
    facts: TrainingSetFacts
    pipeline: Pipeline
    measured: MeasuredHoldOut
    review_threshold: float
    block_threshold: float
    rule: ThresholdRule


def measure_figures(source: PageSource) -> Figures:
    """The figures; the features are read in batches, and only those that tell most."""
    measured, columns = source.measured, source.columns
    orders, current = measured.orders, measured.current_scores
    moved, explained = moves(measured.sampled, orders, source.pipeline)
    return Figures(
        own=model_curves(orders.labels, measured.scores),
        current=None if current is None else model_curves(orders.labels, current),
        scores=score_bins(orders.labels, measured.scores),
        recalls=_recalls(source),
        costs=_costs(source),
        features=telling_features(columns, measured.sampled, orders, moved),
        explained=explained,
        extent=extent_of(columns.files, columns.described, source.facts),
    )


def _recalls(source: PageSource) -> tuple[Recall, ...]:
    measured = source.measured
    current: tuple[Floats, float] | None = None
    if measured.comparison is not None and measured.current_scores is not None:
        current = measured.current_scores, measured.comparison.metrics.review.threshold
    return recalls(measured.orders, (measured.scores, source.review_threshold), current)


def _costs(source: PageSource) -> Costs | None:
    measured, columns = source.measured, source.columns
    labels, scores = measured.orders.labels, measured.scores
    if by_rule := rule_costs(labels, scores, source.block_threshold, source.rule):
        return by_rule
    amounts = FeatureFiles(columns.files, columns.described, (AMOUNT,))
    of_orders = amounts.matrix(measured.orders.rows)[:, 0]
    return review_costs(labels, scores, of_orders, source.review_threshold)
