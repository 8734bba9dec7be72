"""What training and serving share: what a feature means, and the paths that compute it."""

from features_pkg.catalogue import CATALOGUE
from features_pkg.feature_set import FeatureSet
from features_pkg.normalising import normalise
from features_pkg.point_in_time import point_in_time
from features_pkg.velocity import Measure, Past, Velocity, Window, parse_name

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
