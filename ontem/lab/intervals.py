"""Figures of models on the same hold-out, with intervals over its days."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from features_pkg.array_types import Floats, Ints, Mask
from ontem.lab.ranking import Found, Ranking

RESAMPLES: Final = 400
LOW, HIGH = 2.5, 97.5
"""The percentiles between which 95 % of the resampled figures lie."""
FEW_DAYS: Final = 10
"""With fewer days an interval says little, and the result says so."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure, and the interval in which 95 % of its values over resampled days lie."""

    value: float
    low: float
    high: float

    @property
    def is_certain(self) -> bool:
        """Whether 0 lies outside of the interval."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True, slots=True)
class Figures:
    """What a model finds in the hold-out, or by how much two models differ.

    `recall` is the share of the fraud that is among the reviewed orders, `saved_cents` the amounts
    of these.
    """

    average_precision: Estimate
    recall: Estimate
    saved_cents: Estimate


class ResampledDays:
    """The figures of several models over the same resampled days, so that they can be subtracted.

    Days are resampled, not orders: fraud comes in bursts of orders that are alike, and the orders
    of a burst taken for independent would make each interval too narrow.
    """

    def __init__(
        self, labels: Mask, cents: Floats, weights: Floats, days: Ints, budget: float, seed: int
    ) -> None:
        self._labels, self._cents, self._weights = labels, cents, weights
        self._budget = budget
        different, self._day = np.unique(days, return_inverse=True)
        self.days = len(different)
        random = np.random.default_rng(seed)
        picked = random.integers(0, self.days, (RESAMPLES, self.days))
        self._counts = [np.bincount(each, minlength=self.days) for each in picked]
        self._found: dict[str, tuple[Found, list[Found]]] = {}

    def add(self, name: str, scores: Floats) -> None:
        """Measure a model by its scores of the hold-out."""
        ranking = Ranking(self._labels, scores, self._cents)
        resampled = [
            ranking.found(self._weights * count[self._day], self._budget) for count in self._counts
        ]
        self._found[name] = (ranking.found(self._weights, self._budget), resampled)

    def of(self, name: str) -> Figures:
        """The figures of a model."""
        found, resampled = self._found[name]
        return _figures(_matrix([found])[0], _matrix(resampled))

    def difference(self, name: str, other: str) -> Figures:
        """By how much a model is better than another one, day by resampled day."""
        (one, many), (base, bases) = self._found[name], self._found[other]
        return _figures(_matrix([one])[0] - _matrix([base])[0], _matrix(many) - _matrix(bases))


def _matrix(found: list[Found]) -> Floats:
    names = [field.name for field in fields(Found)]
    return np.array([[getattr(each, name) for name in names] for each in found])


def _figures(values: Floats, resampled: Floats) -> Figures:
    """A resample in which no fraud fell has no figures, and is left out."""
    told = resampled[~np.isnan(resampled).any(axis=1)]
    low, high = np.percentile(told, (LOW, HIGH), axis=0)
    estimates: Mapping[str, Estimate] = {
        field.name: Estimate(float(values[i]), float(low[i]), float(high[i]))
        for i, field in enumerate(fields(Figures))
    }
    return Figures(**estimates)
