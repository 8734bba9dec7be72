"""What the derived and the delayed features of the catalogue add to models, per estimator."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from benchmarks.modelling.feature_lists import (
    OF_THE_ORDER,
    derived_and_delayed,
    feature_matrix,
    velocities_of,
)
from benchmarks.modelling.handbook_features import handbook_matrix
from benchmarks.modelling.intervals import Areas, Measured, drawings, measure_areas
from benchmarks.modelling.shops import MATURITY, Shop, handbook_shop, sparkov_shop
from benchmarks.size import repetitions
from features_pkg.array_types import Floats
from jobs.train.choice import DEFAULT_SEED
from jobs.train.estimators.by_name import ESTIMATORS
from jobs.train.estimators.estimator import Estimator
from jobs.train.pipeline import fit, scores_of
from jobs.train.split import Split, split_by_time

DRAWINGS: Final = repetitions(400)
HANDBOOK, BEFORE, NOW = "the handbook's own", "the catalogue before", "with derived and delayed"
ROC, PRECISION = Areas._fields


@dataclass(frozen=True, slots=True)
class Trial:
    """One shop's split, and the features of its orders by list: first those of training."""

    shop: Shop
    split: Split
    matrices: dict[str, Floats]

    def measured(self, estimator: Estimator) -> dict[str, Measured]:
        """The areas of an estimator on the hold-out, by list."""
        weights = drawings(self.split.hold_out.cards, DRAWINGS, DEFAULT_SEED)
        trained, labels = len(self.split.training), self.split.training.labels
        found = {}
        for name, matrix in self.matrices.items():
            columns = [str(column) for column in range(matrix.shape[1])]
            pipeline = fit(matrix[:trained], labels, columns, DEFAULT_SEED, estimator=estimator)
            scores = scores_of(pipeline, matrix[trained:])
            found[name] = measure_areas(self.split.hold_out.labels, scores, weights)
        return found


def measure() -> list[str]:
    """The lines of the section."""
    lines = [
        "## The catalogue with derived and delayed features, against the one before",
        "",
        (
            "Each model is fitted on the older orders of a shop and measured on its newest, with "
            "the estimators and the split of `ontem train`. In brackets is where 95 % of "
            f"{DRAWINGS} drawings are: of the cards of the hold-out as many are drawn as there "
            "are, each with all its orders. A gain compares two models on the same drawings."
        ),
    ]
    for shop in filter(None, (handbook_shop(), sparkov_shop())):
        lines += ["", *_section(_trial(shop))]
    return lines


def _trial(shop: Shop) -> Trial:
    split = split_by_time(shop.labelled(), MATURITY)
    rows = np.concatenate([split.training.rows, split.hold_out.rows])
    before, added = velocities_of(shop.orders), derived_and_delayed(shop.orders)
    whole = feature_matrix(shop, rows, (*before, *added))
    matrices = {BEFORE: whole[:, : len(OF_THE_ORDER) + len(before)], NOW: whole}
    if shop.is_the_handbooks:
        matrices = {HANDBOOK: handbook_matrix(shop, rows), **matrices}
    return Trial(shop, split, matrices)


def _section(trial: Trial) -> list[str]:
    training, hold_out = trial.split.training, trial.split.hold_out
    return [
        f"### {trial.shop.title}",
        "",
        (
            f"{trial.shop.orders.num_rows:,} orders; {len(training):,} to fit on, of which "
            f"{int(training.labels.sum()):,} were charged back, and {len(hold_out):,} to measure "
            f"on, of which {int(hold_out.labels.sum()):,} were."
        ),
        "",
        "| estimator | features | ROC AUC | average precision | gained average precision |",
        "|---|---|---|---|---|",
        *(line for estimator in ESTIMATORS.values() for line in _rows(trial, estimator)),
    ]


def _rows(trial: Trial, estimator: Estimator) -> Iterator[str]:
    found = trial.measured(estimator)
    for name, measured in found.items():
        cells = [
            estimator.name,
            f"{name} ({trial.matrices[name].shape[1]})",
            _with_interval(measured.areas.roc_auc, measured.interval(ROC)),
            _with_interval(measured.areas.average_precision, measured.interval(PRECISION)),
            "",
        ]
        if name == NOW:
            gain, *interval = measured.gain(found[BEFORE], PRECISION)
            cells[-1] = f"**{_with_interval(gain, interval, sign='+')}**"
        yield f"| {' | '.join(cells)} |"


def _with_interval(value: float, interval: Sequence[float], sign: str = "") -> str:
    low, high = interval
    return f"{value:{sign}.3f} ({low:{sign}.3f} to {high:{sign}.3f})"
