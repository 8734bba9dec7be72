"""The estimators by their names."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from jobs.train.estimators.boosting import BOOSTING
from jobs.train.estimators.estimator import Estimator
from jobs.train.estimators.forest import FOREST
from jobs.train.estimators.logistic import LOGISTIC

ESTIMATORS: Final[Mapping[str, Estimator]] = MappingProxyType(
    {estimator.name: estimator for estimator in (BOOSTING, LOGISTIC, FOREST)}
)
