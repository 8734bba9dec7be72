"""What training and serving share: what each feature means, and the engines that compute it."""

import importlib
from typing import TYPE_CHECKING, Any

from features_pkg.definitions.catalogue import CATALOGUE
from features_pkg.definitions.derived import Derived, parse_feature
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.definitions.velocity import Velocity, parse_name

if TYPE_CHECKING:
    from features_pkg.notebook.point_in_time import point_in_time
    from features_pkg.orders.columns.normalised_table import normalise

__all__ = [
    "CATALOGUE",
    "Derived",
    "FeatureSet",
    "Velocity",
    "normalise",
    "parse_feature",
    "parse_name",
    "point_in_time",
]

_OF_TABLES = {
    "normalise": "features_pkg.orders.columns.normalised_table",
    "point_in_time": "features_pkg.notebook.point_in_time",
}
"""What works on tables, imported when it is first used: a request needs neither it nor Arrow."""


def __getattr__(name: str) -> Any:
    if name not in _OF_TABLES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(importlib.import_module(_OF_TABLES[name]), name)
    except ModuleNotFoundError as missing:
        raise ModuleNotFoundError(
            f"features_pkg.{name} needs {missing.name}, which is not installed: "
            'install the extra `jobs`, as in `pip install "ontem[jobs]"`',
            name=missing.name,
        ) from None
