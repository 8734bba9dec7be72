"""A trained classifier as flat arrays: one row is scored without scikit-learn.

`predict_proba` costs some 2 ms a call for one row of boosting, and 10 ms of a forest, nearly all of
it checks. The same trees and weights over arrays cost a tenth, and give the same number; `one_row`
walks trees for a single row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, inf, log, log1p
from types import MappingProxyType
from typing import Any, Final, Protocol

import numpy as np

from features_pkg.array_types import Floats
from features_pkg.models import walk
from features_pkg.models.boosted_trees import boosted_trees
from features_pkg.models.forest_trees import forest_trees
from features_pkg.models.linear import Linear, linear_of, scaling_of
from features_pkg.models.trees import PipelineUnknown, Trees
from features_pkg.models.unpickling import REFUSALS

FOREST: Final = "RandomForestClassifier"
LEAST_SHARE: Final = 1e-7
"""The least that a forest says, and 1 less this is the most: the log odds of 0 are infinite."""


class Scorer(Protocol):
    """Gives each row of finite or NaN values a probability of fraud, and its log odds."""

    def scores(self, rows: Floats) -> Floats:
        """One probability per row of `(n, features)`."""
        ...

    def score(self, row: Sequence[float]) -> float:
        """What `scores` gives a single row, in less time."""
        ...

    def log_odds(self, rows: Floats) -> Floats:
        """The log odds of each row's probability."""
        ...

    def row_log_odds(self, row: Sequence[float]) -> float:
        """What `log_odds` gives a single row, in less time."""
        ...


@dataclass(frozen=True, slots=True)
class ConstantScorer:
    """The share of fraud in training, whatever the row: all that data of one class can teach."""

    probability: float

    def scores(self, rows: Floats) -> Floats:
        """The same probability for each row."""
        return np.full(len(rows), self.probability)

    def score(self, row: Sequence[float]) -> float:
        """The same probability."""
        return self.probability

    def log_odds(self, rows: Floats) -> Floats:
        """The same log odds for each row; infinite for 0 and 1."""
        return np.full(len(rows), odds_of(self.probability))

    def row_log_odds(self, row: Sequence[float]) -> float:
        """The same log odds."""
        return odds_of(self.probability)


@dataclass(frozen=True, slots=True)
class TreeScorer:
    """The probability by boosted trees: the log odds of a row are its leaves' values, added up."""

    trees: Trees

    def scores(self, rows: Floats) -> Floats:
        """One probability per row."""
        return np.asarray(probability(self.log_odds(rows)))

    def score(self, row: Sequence[float]) -> float:
        """The probability of one row: the same bits, because NumPy exponentiates."""
        return float(probability(np.float64(self.row_log_odds(row))))

    def log_odds(self, rows: Floats) -> Floats:
        """The leaves' values of each row, added up."""
        return walk.sums(self.trees, rows)

    def row_log_odds(self, row: Sequence[float]) -> float:
        """The same bits for one row."""
        return walk.row_sum(self.trees, row)


@dataclass(frozen=True, slots=True)
class ForestScorer:
    """The probability by a random forest: the mean share of fraud in the leaves of a row."""

    trees: Trees

    def scores(self, rows: Floats) -> Floats:
        """One probability per row."""
        return bounded(walk.sums(self.trees, rows))

    def score(self, row: Sequence[float]) -> float:
        """The probability of one row."""
        return min(max(walk.row_sum(self.trees, row), LEAST_SHARE), 1.0 - LEAST_SHARE)

    def log_odds(self, rows: Floats) -> Floats:
        """The log odds of each row's probability."""
        shares = self.scores(rows)
        return np.log(shares) - np.log1p(-shares)

    def row_log_odds(self, row: Sequence[float]) -> float:
        """The log odds of one row's probability."""
        return odds_of(self.score(row))


@dataclass(frozen=True, slots=True)
class LinearScorer:
    """The probability by logistic regression."""

    linear: Linear

    def scores(self, rows: Floats) -> Floats:
        """One probability per row."""
        return np.asarray(probability(self.log_odds(rows)))

    def score(self, row: Sequence[float]) -> float:
        """The probability of one row."""
        return float(probability(np.float64(self.row_log_odds(row))))

    def log_odds(self, rows: Floats) -> Floats:
        """The parts of all features, added up, for each row."""
        starts = range(0, len(rows), walk.CHUNK)
        chunks = [
            self.linear.intercept + self.linear.parts(rows[start : start + walk.CHUNK]).sum(axis=1)
            for start in starts
        ]
        return np.concatenate(chunks) if chunks else np.empty(0)

    def row_log_odds(self, row: Sequence[float]) -> float:
        """The parts of all features of one row, added up."""
        return float(self.linear.intercept + self.linear.parts(np.array([row])).sum())


def bounded(shares: Floats) -> Floats:
    """The shares of a forest, the least and the most of which have finite log odds."""
    return np.clip(shares, LEAST_SHARE, 1.0 - LEAST_SHARE)


def probability(log_odds: Any) -> Any:
    """The probability by log odds, a number of NumPy's or an array."""
    with np.errstate(over="ignore"):  # where exp(-log_odds) is inf, the probability is 0
        return 1.0 / (1.0 + np.exp(-log_odds))


def odds_of(share: float) -> float:
    """The log odds of a probability; infinite for 0 and 1."""
    if share in (0.0, 1.0):
        return inf if share else -inf
    return log(share) - log1p(-share)


def probability_of(log_odds: float) -> float:
    """The probability of these log odds."""
    return 1.0 / (1.0 + exp(-log_odds)) if log_odds > -700 else 0.0


def compile_pipeline(pipeline: Any) -> Scorer:
    """The scorer of a fitted scikit-learn pipeline of one step.

    Raises PipelineUnknown when the step is none of those that training fits, for two classes and
    over numbers, or when scikit-learn stores them differently than in the locked version.
    """
    try:
        (step,) = (step for _, step in pipeline.steps)
        compiler = _COMPILERS.get(type(step).__name__)
        if compiler is None:
            raise PipelineUnknown(f"its step is a {type(step).__name__}")
        return compiler(pipeline, step)
    except PipelineUnknown:
        raise
    except REFUSALS as error:
        raise PipelineUnknown(f"{type(error).__name__}: {error}") from error


def _fraud_share(dummy: Any) -> float:
    shares = zip(dummy.classes_, dummy.class_prior_, strict=True)
    return next((float(share) for label, share in shares if int(label) == 1), 0.0)


_COMPILERS: Final[Mapping[str, Callable[[Any, Any], Scorer]]] = MappingProxyType(
    {
        "DummyClassifier": lambda _, step: ConstantScorer(_fraud_share(step)),
        "HistGradientBoostingClassifier": lambda _, step: TreeScorer(boosted_trees(step)),
        "LogisticRegression": lambda pipeline, step: LinearScorer(
            linear_of(step, scaling_of(pipeline))
        ),
        FOREST: lambda _, step: ForestScorer(forest_trees(step)),
    }
)
