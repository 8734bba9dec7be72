"""What training and serving share: what a feature means, and the paths that compute it."""

from features_pkg.definitions.catalogue import CATALOGUE
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.definitions.velocity import Measure, Past, Velocity, Window, parse_name
from features_pkg.notebook.point_in_time import point_in_time
from features_pkg.orders.normalising import normalise

__all__ = [
    "CATALOGUE",
    "FeatureSet",
    "Measure",
    "Past",
    "Velocity",
    "Window",
    "normalise",
    "parse_name",
    "point_in_time",
]
