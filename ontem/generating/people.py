"""Honest customers: who they are, where they live, what they buy with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from ontem.generating.drafts import Ints, Registry
from ontem.generating.texts import SHARES

ORDERS_PER_CUSTOMER: Final = 3.5
PEOPLE_PER_HOME: Final = 1.7
CARDS: Final = 3
HOT_CEPS: Final = 40
"""Pick-up points and large buildings, to which one customer in eight belongs."""
HOT_DEVICES: Final = 12
"""Machines of shops and cafés."""
CARRIER_IPS: Final = 400
"""Addresses behind which a mobile carrier keeps all its customers."""


@dataclass(frozen=True, slots=True)
class People:
    """Customers as columns; entity columns hold numbers of `Registry`."""

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
    """CARDS columns: the usual one first."""
    hot_device: Ints
    carrier_ip: Ints

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.user)


def people(orders: int, registry: Registry, rng: np.random.Generator) -> People:
    """The customers behind that many honest orders, in the order in which they joined."""
    count = max(20, round(orders / ORDERS_PER_CUSTOMER))
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
    )


def _first_of(home: Ints) -> Ints:
    """For each customer the first one of the same home."""
    _, first, inverse = np.unique(home, return_index=True, return_inverse=True)
    return first[inverse]


def _some_share(own: Ints, with_whom: Ints, share: float, rng: np.random.Generator) -> Ints:
    """`own`, but a share of the people use that of somebody else."""
    return np.where(rng.random(len(own)) < share, own[with_whom], own)


def _zip_codes(home: Ints, home_area: Ints, registry: Registry, rng: np.random.Generator) -> Ints:
    """One CEP per home; one home in eight lives in one of the hot ones of its area."""
    own = registry.new("zip_code", home_area)
    hot_area = rng.choice(len(SHARES), size=HOT_CEPS, p=SHARES / SHARES.sum())
    hot = registry.new("zip_code", hot_area)
    nearest = np.array([_of_area(hot_area, area) for area in range(len(SHARES))])
    chosen = hot[nearest[home_area]]
    per_home = np.where((rng.random(len(own)) < 0.125) & (nearest[home_area] >= 0), chosen, own)
    return per_home[home]


def _of_area(hot_area: Ints, area: int) -> int:
    """One hot CEP's place in that area, or -1."""
    found = np.flatnonzero(hot_area == area)
    return int(found[0]) if len(found) else -1


def _cards(area: Ints, first_at_home: Ints, registry: Registry, rng: np.random.Generator) -> Ints:
    columns = [registry.new("card", area) for _ in range(CARDS)]
    columns[1] = _some_share(columns[1], first_at_home, 0.3, rng)
    return np.column_stack(columns)
