"""What is in an order: products with a long tail, prices, quantities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

from features_pkg.array_types import Floats, Ints

PRODUCTS: Final = 4000
MOST_ITEMS: Final = 4


@dataclass(frozen=True, slots=True)
class Baskets:
    """For each order its amount in cents, its different products, and its items."""

    amount_cents: Ints
    product: pa.Array
    items: pa.Array


def draw_baskets(dearness: Floats, rng: np.random.Generator) -> Baskets:
    """One basket per order, from the cheap end (0) to the dear end (1) of the price list."""
    count = len(dearness)
    price = np.sort(np.exp(rng.normal(8.9, 1.05, size=PRODUCTS)).astype(np.int64) + 290)
    items = np.minimum(rng.geometric(0.68, size=count), MOST_ITEMS)
    # From here on one row per item: the row of its order, and its position on the price list.
    order_row = np.repeat(np.arange(count), items)
    product = _products(dearness[order_row], rng)
    # Both in one number, so that `unique` leaves each product once per order, sorted by order.
    order_row, product = np.divmod(np.unique(order_row * PRODUCTS + product), PRODUCTS)
    quantity = np.minimum(rng.geometric(0.85, size=len(order_row)), 6)
    cents = price[product] * quantity
    amount = np.bincount(order_row, weights=cents, minlength=count).astype(np.int64)
    names = pa.array([f"sku-{n:05d}" for n in range(PRODUCTS)]).take(pa.array(product))
    offsets = pa.array(np.searchsorted(order_row, np.arange(count + 1)).astype(np.int32))
    item = pa.StructArray.from_arrays(
        [names, pa.array(quantity), pa.array(cents)], ["product", "quantity", "amount_cents"]
    )
    return Baskets(
        amount,
        pa.ListArray.from_arrays(offsets, names),
        pa.ListArray.from_arrays(offsets, item),
    )


def _products(dearness: Floats, rng: np.random.Generator) -> Ints:
    """Positions on the price list near each dearness; of every 40 products one sells best."""
    near = np.clip(dearness + rng.normal(0, 0.12, size=len(dearness)), 0, 0.9999)
    position = (near * PRODUCTS).astype(np.int64)
    is_popular = rng.random(len(position)) < 0.45
    return np.where(is_popular, position // 40 * 40, position)
