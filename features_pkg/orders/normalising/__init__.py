"""Canonical values of identifiers: the same in import, service, training and notebooks.

An order is never refused for an invalid value. The value has a canonical text too, so that it can
be counted, and `is_valid` tells it from a valid one.
"""

from features_pkg.orders.normalising.values import (
    NORMALISERS_VERSION,
    is_valid,
    normalise_value,
)

__all__ = [
    "NORMALISERS_VERSION",
    "is_valid",
    "normalise_value",
]
