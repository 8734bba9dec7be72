"""Derived features of every kind, and what the reference says of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import timedelta

from features_pkg.definitions.catalogue import derived_of
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.definitions.velocity import Velocity
from features_pkg.engines import reference

NAMES = (
    "card_mean_amount_cents_orders_30d_distant",
    "card_mean_amount_cents_orders_24h_recent",
    "card_mean_amount_cents_chargebacks_ever_distant",
    "product_mean_amount_cents_orders_since_cutoff_recent",
    "device_chargeback_share_30d_distant",
    "product_chargeback_share_ever_distant",
    "zip_code_chargeback_share_24h_recent",
    "amount_to_card_mean_amount_30d_distant",
    "amount_to_product_mean_amount_ever_distant",
    "card_orders_1h_recent_per_card_orders_30d_distant",
    "card_distinct_user_orders_7d_distant_per_card_orders_7d_distant",
    "product_first_order_age_seconds_per_card_last_order_age_seconds",
    "amount_cents_per_different_products",
    "card_orders_ever_distant_per_merchant_history_days",
    "card_orders_24h_recent_minus_card_orders_1d_distant",
    "amount_cents_minus_card_amount_cents_orders_ever_distant",
    "merchant_history_days_minus_different_products",
)
DERIVED = derived_of(NAMES)
VELOCITIES: tuple[Velocity, ...] = tuple(
    dict.fromkeys(velocity for each in DERIVED for velocity in each.velocities)
)
FEATURES = FeatureSet("America/Sao_Paulo", timedelta(hours=4), VELOCITIES, DERIVED)


def assert_derived(features: FeatureSet, values: Mapping[str, float | None]) -> None:
    """Hold the derived features of one order to the reference; `values` has all of its features."""
    for derived in features.derived:
        right = reference.derived_value(derived, values)
        assert values[derived.name] == right, derived.name


def by_name(features: FeatureSet, vector: Sequence[float]) -> dict[str, float | None]:
    """The values of a vector by name, None for null."""
    pairs = zip(features.names, vector, strict=True)
    return {name: None if math.isnan(value) else value for name, value in pairs}
