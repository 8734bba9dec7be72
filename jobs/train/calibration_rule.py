"""Which calibration the folds of a training allow, if any.

A calibration that is wrong is worse than none, so it has to earn its place. Three conditions, each
of them measured on shops of many lengths (docs/adr/0056-estimators.md):

1. only folds are trusted that were fitted on at least half as many orders as the model: the scores
   of a model of little history say nothing about one of much more;
2. the more a method can bend, the more charged back orders it needs;
3. learnt from the earlier orders of these folds, it must lower the log loss of the later ones.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np

from features_pkg.array_types import Floats, Mask
from features_pkg.models.calibration import Calibration, CalibrationMethod
from jobs.train.calibrating import calibrate
from jobs.train.choice import CalibrationChoice
from jobs.train.folds import OutOfFold
from jobs.train.orders import LabelledOrders

LEAST_CHARGED_BACK: Final[Mapping[CalibrationMethod, int]] = MappingProxyType(
    {"isotonic": 300, "sigmoid": 100, "shift": 50}
)
"""The charged back orders that a method needs, in the order in which they are tried."""
LEAST_OTHERS: Final = 50
NOT_RISING: Final = "in the folds higher scores do not mean more fraud"


@dataclass(frozen=True, slots=True)
class Evidence:
    """Orders that trusted folds scored, by time: log odds, labels, and how often each counts."""

    log_odds: Floats
    labels: Mask
    weights: Floats
    last_fold: Mask

    @classmethod
    def of(cls, orders: LabelledOrders, weights: Floats | None, trusted: OutOfFold) -> "Evidence":
        """The orders of trusted folds; `orders` are all that the model is fitted on."""
        positions = trusted.positions
        return cls(
            trusted.log_odds,
            orders.labels[positions],
            np.ones(len(positions)) if weights is None else weights[positions],
            np.arange(len(positions)) >= len(positions) - trusted.folds[-1].orders,
        )

    def take(self, chosen: Mask) -> "Evidence":
        """Some of the orders."""
        return Evidence(
            self.log_odds[chosen],
            self.labels[chosen],
            self.weights[chosen],
            self.last_fold[chosen],
        )

    def halves(self) -> tuple["Evidence", "Evidence"]:
        """The orders of the last fold, after those before; of a single fold the later half."""
        later = self.last_fold
        if later.all():
            later = np.arange(len(later)) >= len(later) // 2
        return self.take(~later), self.take(later)

    def learnt(self, method: CalibrationMethod) -> Calibration | None:
        """What these orders teach; None if it would not rise."""
        if self.labels.all() or not self.labels.any():
            return None
        return calibrate(method, self.log_odds, self.labels, self.weights)

    def log_loss(self, calibration: Calibration | None = None) -> float:
        """How wrong the scores of these orders are, on average."""
        odds = self.log_odds if calibration is None else calibration.many(self.log_odds)
        losses = np.logaddexp(0.0, np.where(self.labels, -odds, odds))
        return float(np.average(losses, weights=self.weights))


def choose_calibration(
    choice: CalibrationChoice, orders: LabelledOrders, weights: Floats | None, found: OutOfFold
) -> tuple[Calibration | None, str]:
    """The first calibration that meets the conditions, or None; and why, in words.

    `auto` tries the methods from the one that bends most to the one that bends least; another
    choice is the only one that is tried. `orders` are those that the model is fitted on.
    """
    trusted = found.trusted(len(orders))
    if not trusted.folds:
        most = max(each.fitted for each in found.folds)
        return None, (
            f"no fold was fitted on half as many orders as the model, but on at most {most:,} of "
            f"{len(orders):,}, and what scores of so little history mean says nothing about those "
            "of all"
        )
    evidence = Evidence.of(orders, weights, trusted)
    charged_back = int(evidence.labels.sum())
    others = len(evidence.labels) - charged_back
    learnt_from = (
        f"{charged_back:,} charged back and {others:,} other orders after "
        f"{len(trusted.folds)} of {len(found.folds)} folds, those fitted on at least half as many "
        "orders as the model"
    )
    remarks: list[str] = []
    for method, least in _tried(choice):
        if charged_back < least or others < LEAST_OTHERS:
            remarks.append(f"{method} needs {least} charged back and {LEAST_OTHERS} other orders")
            continue
        calibration = evidence.learnt(method)
        remark = NOT_RISING if calibration is None else _refused(evidence, method)
        if calibration is not None and not remark:
            return calibration, "; ".join([f"learnt from {learnt_from}", *remarks])
        remarks.append(remark)
    return None, "; ".join([f"there are {learnt_from}", *dict.fromkeys(remarks)])


def _tried(choice: CalibrationChoice) -> Iterator[tuple[CalibrationMethod, int]]:
    for method, least in LEAST_CHARGED_BACK.items():
        if choice in ("auto", method):
            yield method, least


def _refused(evidence: Evidence, method: CalibrationMethod) -> str:
    """Why the method is not trusted; empty if it helps on orders that it was not learnt from."""
    earlier, later = evidence.halves()
    calibration = earlier.learnt(method)
    if calibration is None:
        return f"{method} can't be checked, because the earlier ones of these orders teach nothing"
    without, with_ = later.log_loss(), later.log_loss(calibration)
    if with_ < without:
        return ""
    return (
        f"{method}, learnt from the earlier ones, does not lower the log loss of the later ones "
        f"({without:.5f}) but gives {with_:.5f}"
    )
