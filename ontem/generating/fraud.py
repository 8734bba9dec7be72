"""Five patterns of fraud, and one without any pattern. Each comes as campaigns of a few orders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from features_pkg.array_types import Floats, Ints
from features_pkg.calendar import DAY_US
from features_pkg.identifiers import SINGLE_VALUED, Identifier
from ontem.generating.drafts import Drafts, Registry
from ontem.generating.honest import lacking, usual_sellers
from ontem.generating.people import People
from ontem.generating.rhythm import BY_NIGHT, HOUR_US, TimeSpan, draw_instants
from ontem.generating.texts import SHARES


@dataclass(frozen=True, slots=True)
class Campaigns:
    """The orders of one pattern of fraud, and what is needed to choose their entities."""

    at_us: Ints
    campaign: Ints
    """The number of the order's campaign."""
    position: Ints
    """The order's position within its campaign, from 0."""
    area: Ints
    """The home area of the campaign."""
    registry: Registry
    people: People
    rng: np.random.Generator

    @property
    def orders(self) -> int:
        """How many orders all campaigns have."""
        return len(self.at_us)

    def own(self, identifier: str) -> Ints:
        """A new entity for each order."""
        return self.registry.new(identifier, self._anywhere())

    def shared(self, identifier: str, group: Ints | None = None) -> Ints:
        """One new entity for each campaign, or for each group of orders within a campaign."""
        first, inverse = self.groups(np.zeros_like(self.campaign) if group is None else group)
        return self.registry.new(identifier, self.area[first])[inverse]

    def groups(self, group: Ints) -> tuple[Ints, Ints]:
        """The first order of each group of a campaign, and for each order the group's number.

        A campaign has far fewer than 4096 orders, so campaign and group fit into one number.
        """
        _, first, inverse = np.unique(
            self.campaign * 4096 + group, return_index=True, return_inverse=True
        )
        return first, inverse

    def random_group(self, groups: int) -> Ints:
        """For each order one of that many groups, at random."""
        return self.rng.integers(groups, size=self.orders)

    def _anywhere(self) -> Ints:
        return self.rng.choice(len(SHARES), size=self.orders, p=SHARES / SHARES.sum())


Scheme = Callable[[Campaigns], dict[str, Ints]]


def card_testing(campaigns: Campaigns) -> dict[str, Ints]:
    """One device tries stolen cards, each with invented documents."""
    return {
        "user": campaigns.own("user"),
        "document": campaigns.own("document"),
        "email": campaigns.own("email"),
        "phone": campaigns.shared("phone", campaigns.random_group(6)),
        "zip_code": campaigns.shared("zip_code", campaigns.random_group(4)),
        "device": campaigns.shared("device"),
        "ip": campaigns.shared("ip", campaigns.random_group(2)),
        "card": campaigns.own("card"),
    }


def one_document(campaigns: Campaigns) -> dict[str, Ints]:
    """One stolen CPF buys to many addresses."""
    return {
        "user": campaigns.shared("user", campaigns.random_group(3)),
        "document": campaigns.shared("document"),
        "email": campaigns.shared("email", campaigns.random_group(3)),
        "phone": campaigns.shared("phone", campaigns.random_group(3)),
        "zip_code": campaigns.own("zip_code"),
        "device": campaigns.shared("device", campaigns.random_group(3)),
        "ip": campaigns.shared("ip", campaigns.random_group(4)),
        "card": campaigns.shared("card", campaigns.random_group(5)),
    }


def phone_ring(campaigns: Campaigns) -> dict[str, Ints]:
    """A ring of invented customers who answer the same few phones."""
    member = campaigns.position // 3
    return {
        "user": campaigns.shared("user", member),
        "document": campaigns.shared("document", member),
        "email": campaigns.shared("email", member),
        "phone": campaigns.shared("phone", member % 2),
        "zip_code": campaigns.shared("zip_code", member % 5),
        "device": campaigns.shared("device", member % 7),
        "ip": campaigns.shared("ip", member % 7),
        "card": campaigns.shared("card", member),
    }


def takeover(campaigns: Campaigns) -> dict[str, Ints]:
    """A thief has the passwords of customers and sends orders to addresses of his own."""
    people, victim = campaigns.people, campaigns.position // 3
    first, inverse = campaigns.groups(victim)
    customer = campaigns.rng.integers(people.count, size=len(first))[inverse]
    return {
        "user": people.user[customer],
        "document": people.document[customer],
        "email": people.email[customer],
        "phone": people.phone[customer],
        "zip_code": campaigns.shared("zip_code", campaigns.random_group(2)),
        "device": campaigns.shared("device", victim % 2),
        "ip": campaigns.shared("ip", campaigns.random_group(3)),
        "card": people.card[customer, 0],
    }


def lone(campaigns: Campaigns) -> dict[str, Ints]:
    """One stolen card and everything else new but the seller: no history shows that it is fraud."""
    return {
        identifier: campaigns.own(identifier)
        for identifier in SINGLE_VALUED
        if identifier != Identifier.SELLER
    }


def fake_shop(campaigns: Campaigns) -> dict[str, Ints]:
    """A seller opens a shop and buys there with stolen cards, to be paid out for nothing."""
    return {**lone(campaigns), "seller": campaigns.shared("seller")}


@dataclass(frozen=True, slots=True)
class FraudPattern:
    """A pattern of fraud: its share, how large and long its campaigns are, what it buys."""

    scheme: Scheme
    share: float
    orders: tuple[int, int]
    length_us: tuple[int, int]
    dearness: tuple[float, float]
    """Parameters of a beta distribution over the price list."""
    dispute: float


PATTERNS: Final = (
    FraudPattern(card_testing, 0.24, (15, 60), (HOUR_US // 6, 3 * HOUR_US), (1.3, 3.0), 0.6),
    FraudPattern(one_document, 0.18, (8, 25), (2 * DAY_US, 10 * DAY_US), (2.4, 2.0), 0.85),
    FraudPattern(phone_ring, 0.16, (20, 60), (4 * DAY_US, 30 * DAY_US), (2.2, 1.9), 0.85),
    FraudPattern(takeover, 0.14, (6, 30), (6 * HOUR_US, 6 * DAY_US), (2.8, 1.8), 0.85),
    FraudPattern(fake_shop, 0.12, (15, 40), (2 * DAY_US, 12 * DAY_US), (2.6, 1.8), 0.85),
    FraudPattern(lone, 0.16, (1, 2), (HOUR_US // 2, 2 * DAY_US), (2.2, 2.0), 0.75),
)


def fraud_orders(
    count: int, span: TimeSpan, people: People, registry: Registry, rng: np.random.Generator
) -> list[Drafts]:
    """`count` fraudulent orders in the time span, a part for each pattern."""
    shares = np.array([pattern.share for pattern in PATTERNS])
    counts = rng.multinomial(count, shares / shares.sum()).tolist()
    return [
        _orders_of(pattern, orders, span, (people, registry, rng))
        for pattern, orders in zip(PATTERNS, counts, strict=True)
    ]


World = tuple[People, Registry, np.random.Generator]


def _orders_of(pattern: FraudPattern, count: int, span: TimeSpan, world: World) -> Drafts:
    campaigns, rng = _campaigns(pattern, count, span, world), world[2]
    sellers = usual_sellers(campaigns.at_us, span, campaigns.people, rng)
    entities = {"seller": sellers, **pattern.scheme(campaigns)}
    for name in ("user", "phone", "device", "ip"):
        entities[name] = lacking(name, entities[name], rng)
    dearness: Floats = rng.beta(*pattern.dearness, size=count)
    return Drafts(
        at_us=campaigns.at_us,
        dearness=dearness,
        dispute=np.full(count, pattern.dispute),
        **entities,
    )


def _campaigns(pattern: FraudPattern, count: int, span: TimeSpan, world: World) -> Campaigns:
    """Campaigns of random size and length; the last one is cut so that there are `count` orders."""
    people, registry, rng = world
    least, most = pattern.orders
    sizes = rng.integers(least, most + 1, size=count // least + 1)
    campaign = np.repeat(np.arange(len(sizes)), sizes)[:count]
    # The row of an order less the first row of its campaign.
    position = (np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes))[:count]
    begin_us = rng.permutation(draw_instants(span, len(sizes), BY_NIGHT, rng))
    length_us = rng.integers(*pattern.length_us, size=len(sizes))
    end_us = np.minimum(begin_us + length_us, span.end_us)
    offset_us = (rng.random(count) * (end_us - begin_us)[campaign]).astype(np.int64)
    at_us = begin_us[campaign] + offset_us
    area = rng.choice(len(SHARES), size=len(sizes), p=SHARES / SHARES.sum())[campaign]
    return Campaigns(at_us, campaign, position, area, registry, people, rng)
