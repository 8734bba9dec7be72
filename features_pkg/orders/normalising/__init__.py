"""Canonical texts of identifiers: the same in import, service, training and notebooks.

An invalid value never refuses an order: it keeps one stable text, and `is_valid` says what it is.
"""

from features_pkg.orders.normalising.identifier_columns import normalise
from features_pkg.orders.normalising.orders import normalise_order
from features_pkg.orders.normalising.values import (
    NORMALISERS_VERSION,
    card,
    device,
    document,
    email,
    ip,
    is_valid,
    normalise_value,
    phone,
    product,
    user,
    zip_code,
)

__all__ = [
    "NORMALISERS_VERSION",
    "card",
    "device",
    "document",
    "email",
    "ip",
    "is_valid",
    "normalise",
    "normalise_order",
    "normalise_value",
    "phone",
    "product",
    "user",
    "zip_code",
]
