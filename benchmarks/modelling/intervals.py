"""Areas under curves, and in between which values they lie if other cards had come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from features_pkg.array_types import Floats, Ints, Mask

COVERED: Final = 0.95


class Areas(NamedTuple):
    """The areas under the ROC and under the precision-recall curve."""

    roc_auc: float
    average_precision: float


@dataclass(frozen=True, slots=True)
class Measured:
    """The areas of a model's scores, and those for each drawing of cards."""

    areas: Areas
    drawn: Floats
    """(drawings, 2); not a number where no card that was drawn was defrauded."""

    def interval(self, area: str) -> tuple[float, float]:
        """Where 95 % of the drawings are."""
        return _covered(self.drawn[:, Areas._fields.index(area)])

    def gain(self, other: Measured, area: str) -> tuple[float, float, float]:
        """How much more this is than another model's, and its interval, over the same drawings."""
        column = Areas._fields.index(area)
        difference = self.areas[column] - other.areas[column]
        return difference, *_covered(self.drawn[:, column] - other.drawn[:, column])


def measure_areas(labels: Mask, scores: Floats, weights: Floats) -> Measured:
    """The areas of `scores`; the rows of `weights` say how often each order counts in a drawing."""
    order = np.argsort(-scores, kind="stable")
    labels, scores, weights = labels[order], scores[order], weights[:, order]
    # A threshold passes all orders of one score or none.
    last = np.append(np.flatnonzero(np.diff(scores)), len(scores) - 1)
    areas = _areas(labels, last, np.ones(len(labels)))
    return Measured(areas, np.array([_areas(labels, last, each) for each in weights]))


def drawings(cards: Ints, count: int, seed: int) -> Floats:
    """How often each order counts when as many cards as there are were drawn, each with its orders.

    Orders of one card are alike, so that drawing orders would make intervals too narrow.
    """
    rng = np.random.default_rng(seed)
    _, card = np.unique(cards, return_inverse=True)
    different = int(card.max(initial=-1)) + 1
    drawn = rng.multinomial(different, np.full(different, 1 / different), size=count)
    return np.asarray(drawn[:, card], dtype=np.float64)


def _areas(labels: Mask, last: Ints, weights: Floats) -> Areas:
    """The areas of orders by falling score, where each score ends at one of `last`."""
    caught = np.cumsum(weights * labels)[last]
    alarms = np.cumsum(weights * ~labels)[last]
    if not caught[-1] or not alarms[-1]:
        return Areas(np.nan, np.nan)
    more_caught, more_alarms = np.diff(caught, prepend=0.0), np.diff(alarms, prepend=0.0)
    flagged = np.maximum(caught + alarms, np.finfo(float).tiny)
    return Areas(
        roc_auc=float((more_alarms * (caught - more_caught / 2)).sum() / caught[-1] / alarms[-1]),
        average_precision=float((more_caught * caught / flagged).sum() / caught[-1]),
    )


def _covered(values: Floats) -> tuple[float, float]:
    low, high = np.nanquantile(values, [(1 - COVERED) / 2, (1 + COVERED) / 2])
    return float(low), float(high)
