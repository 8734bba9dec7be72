"""What is in an order: products with a long tail, prices, quantities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa

from ontem.generating.drafts import Floats, Ints

PRODUCTS: Final = 4000
MOST_LINES: Final = 4


@dataclass(frozen=True, slots=True)
class Baskets:
    """Per order its amount in cents, its different products, and its lines."""

    amount_cents: Ints
    product: pa.Array
    items: pa.Array


def baskets(dearness: Floats, rng: np.random.Generator) -> Baskets:
    """One basket per order, from the cheap end of the price list (0) or the dear one (1)."""
    count = len(dearness)
    price = np.sort(np.exp(rng.normal(8.9, 1.05, size=PRODUCTS)).astype(np.int64) + 290)
    lines = np.minimum(rng.geometric(0.68, size=count), MOST_LINES)
    order = np.repeat(np.arange(count), lines)
    product = _products(dearness[order], rng)
    order, product = np.divmod(np.unique(order * PRODUCTS + product), PRODUCTS)
    quantity = np.minimum(rng.geometric(0.85, size=len(order)), 6)
    cents = price[product] * quantity
    amount = np.bincount(order, weights=cents, minlength=count).astype(np.int64)
    names = pa.array([f"sku-{n:05d}" for n in range(PRODUCTS)]).take(pa.array(product))
    offsets = pa.array(np.searchsorted(order, np.arange(count + 1)).astype(np.int32))
    item = pa.StructArray.from_arrays(
        [names, pa.array(quantity), pa.array(cents)], ["product", "quantity", "amount_cents"]
    )
    return Baskets(
        amount,
        pa.ListArray.from_arrays(offsets, names),
        pa.ListArray.from_arrays(offsets, item),
    )


def _products(dearness: Floats, rng: np.random.Generator) -> Ints:
    """Places in the price list: near the wanted price, and every tenth product the best seller."""
    near = np.clip(dearness + rng.normal(0, 0.12, size=len(dearness)), 0, 0.9999)
    place = (near * PRODUCTS).astype(np.int64)
    popular = rng.random(len(place)) < 0.45
    return np.where(popular, place // 40 * 40, place)
