"""All figures of a page, from a hold-out's scores and the files of its training set."""

from dataclasses import dataclass
from typing import Final

from sklearn.pipeline import Pipeline

from features_pkg.array_types import Floats
from jobs.train.feature_batches import FeatureFiles
from jobs.train.hold_out import MeasuredHoldOut
from jobs.train.page.costs import costs_of
from jobs.train.page.curves import model_curves, score_bins
from jobs.train.page.extent import extent_of
from jobs.train.page.figures import Costs, Figures, Recall
from jobs.train.page.over_time import recalls
from jobs.train.page.telling import moves, telling_features
from jobs.training_set.facts import TrainingSetFacts

AMOUNT: Final = "amount_cents"


@dataclass(frozen=True, slots=True, kw_only=True)
class PageSource:
    """What the figures are measured on, and the review threshold of the model."""

    columns: FeatureFiles
    facts: TrainingSetFacts
    pipeline: Pipeline
    measured: MeasuredHoldOut
    threshold: float


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
    return recalls(measured.orders, (measured.scores, source.threshold), current)


def _costs(source: PageSource) -> Costs | None:
    measured, columns = source.measured, source.columns
    amounts = FeatureFiles(columns.files, columns.described, (AMOUNT,))
    of_orders = amounts.matrix(measured.orders.rows)[:, 0]
    return costs_of(measured.orders.labels, measured.scores, of_orders, source.threshold)
