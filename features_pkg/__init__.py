"""What training and serving share: what each feature means, and the engines that compute it."""

from features_pkg.definitions.catalogue import CATALOGUE
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.definitions.velocity import Velocity, parse_name
from features_pkg.notebook.point_in_time import point_in_time
from features_pkg.orders.fields.normalised_table import normalise

__all__ = [
    "CATALOGUE",
    "FeatureSet",
    "Velocity",
    "normalise",
    "parse_name",
    "point_in_time",
]
