"""The features of the handbook itself, from the same windows as all others.

Its chapter on feature transformation has per customer the number and the mean amount of payments in
1, 7 and 30 days, the payment itself included; per terminal the number of payments in as many days
that end a week ago, and the share of them that was fraud; and whether it is night or weekend.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from benchmarks.modelling.feature_lists import feature_matrix
from benchmarks.modelling.shops import Shop
from features_pkg.array_types import Floats, Ints
from features_pkg.definitions.velocity import parse_name

DAYS: Final = (1, 7, 30)
DELAY: Final = 7
_VELOCITIES: Final = (
    *(f"card_orders_{days}d_recent" for days in DAYS),
    *(f"card_amount_cents_orders_{days}d_recent" for days in DAYS),
    *(f"device_orders_{days + DELAY}d_recent" for days in DAYS),
    *(f"device_chargebacks_{days}d_recent" for days in DAYS),
    f"device_orders_{DELAY}d_recent",
)


def handbook_matrix(shop: Shop, rows: Ints) -> Floats:
    """The 15 features of the orders in `rows`."""
    velocities = [parse_name(name) for name in _VELOCITIES]
    columns = feature_matrix(shop, rows, velocities).T
    (amount, hour, weekday), counts = columns[:3], columns[3:]
    by_card, amounts, by_device, frauds = (counts[i : i + 3] for i in (0, 3, 6, 9))
    delayed = by_device - counts[12]
    with np.errstate(invalid="ignore"):
        risks = np.where(delayed > 0, frauds / delayed, 0.0)
    means = (amounts + amount) / (by_card + 1)
    is_weekend, is_night = weekday >= 5, hour <= 6
    return np.stack([amount, is_weekend, is_night, *by_card + 1, *means, *delayed, *risks], axis=1)
