"""Honest customers: who they are, where they live, what they buy with, and from whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from features_pkg.array_types import Ints
from ontem.generating.drafts import Registry
from ontem.generating.texts import SHARES

ORDERS_PER_CUSTOMER: Final = 3.5
PEOPLE_PER_HOME: Final = 1.7
CARDS: Final = 3
HOT_CEPS: Final = 40
"""Pick-up points and large buildings; one customer in eight uses one of them."""
HOT_DEVICES: Final = 12
"""Machines of shops and cafés, which many customers use."""
ORDERS_PER_SELLER: Final = 100
CARRIER_IPS: Final = 400
"""Addresses of a mobile carrier, shared by all its customers."""


@dataclass(frozen=True, slots=True)
class People:
    """Customers as columns; entities are numbers of `Registry`."""

    area: Ints
    home: Ints
    user: Ints
    document: Ints
    email: Ints
    phone: Ints
    zip_code: Ints
    device: Ints
    home_ip: Ints
    card: Ints
    """Two-dimensional: CARDS columns, the usual card first."""
    hot_device: Ints
    carrier_ip: Ints
    seller: Ints
    """In the order in which their shops opened."""

    @property
    def count(self) -> int:
        """How many customers there are."""
        return len(self.user)


def draw_people(orders: int, registry: Registry, rng: np.random.Generator) -> People:
    """The customers who place that many honest orders, sorted by when they joined."""
    count = max(20, round(orders / ORDERS_PER_CUSTOMER))
    sellers = max(10, round(orders / ORDERS_PER_SELLER))
    homes = max(10, round(count / PEOPLE_PER_HOME))
    home = rng.integers(homes, size=count)
    home_area = rng.choice(len(SHARES), size=homes, p=SHARES / SHARES.sum())
    area = home_area[home]
    own_device = registry.new("device", area)
    first_at_home = _first_of(home)
    shares_device = rng.random(count) < 0.12
    return People(
        area=area,
        home=home,
        user=registry.new("user", area),
        document=registry.new("document", area),
        email=registry.new("email", area),
        phone=_some_share(registry.new("phone", area), first_at_home, 0.08, rng),
        zip_code=_zip_codes(home, home_area, registry, rng),
        device=np.where(shares_device, own_device[first_at_home], own_device),
        home_ip=registry.new("ip", home_area)[home],
        card=_cards(area, first_at_home, registry, rng),
        hot_device=registry.new("device", np.zeros(HOT_DEVICES, np.int64)),
        carrier_ip=registry.new("ip", np.zeros(CARRIER_IPS, np.int64)),
        seller=registry.new("seller", np.zeros(sellers, np.int64)),
    )


def _first_of(home: Ints) -> Ints:
    """For each customer the first customer of the same home."""
    _, first, inverse = np.unique(home, return_index=True, return_inverse=True)
    return first[inverse]


def _some_share(own: Ints, other: Ints, share: float, rng: np.random.Generator) -> Ints:
    """`own`, but this share of the customers has what the customer at `other` has."""
    return np.where(rng.random(len(own)) < share, own[other], own)


def _zip_codes(home: Ints, home_area: Ints, registry: Registry, rng: np.random.Generator) -> Ints:
    """The CEP of each customer's home; one home in eight uses a hot CEP of its area."""
    own = registry.new("zip_code", home_area)
    hot_area = rng.choice(len(SHARES), size=HOT_CEPS, p=SHARES / SHARES.sum())
    hot = registry.new("zip_code", hot_area)
    hot_position = np.array([_first_in(hot_area, area) for area in range(len(SHARES))])[home_area]
    uses_hot = (rng.random(len(own)) < 0.125) & (hot_position >= 0)
    per_home = np.where(uses_hot, hot[hot_position], own)
    return per_home[home]


def _first_in(hot_area: Ints, area: int) -> int:
    """The position of the first hot CEP in that area, or -1 when there is none."""
    positions = np.flatnonzero(hot_area == area)
    return int(positions[0]) if len(positions) else -1


def _cards(area: Ints, first_at_home: Ints, registry: Registry, rng: np.random.Generator) -> Ints:
    columns = [registry.new("card", area) for _ in range(CARDS)]
    columns[1] = _some_share(columns[1], first_at_home, 0.3, rng)
    return np.column_stack(columns)
