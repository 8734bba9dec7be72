"""Four kinds of fraud with a pattern, and one without. Each lives in campaigns of a few orders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from features_pkg.identifiers import SINGLE_VALUED
from ontem.generating.drafts import Drafts, Floats, Ints, Registry
from ontem.generating.honest import lacking
from ontem.generating.people import People
from ontem.generating.rhythm import BY_NIGHT, DAY_US, HOUR_US, Period, instants
from ontem.generating.texts import SHARES


@dataclass(frozen=True, slots=True)
class Campaigns:
    """Orders of one kind of fraud by campaign: which one, and how far into it (0 to 1)."""

    at_us: Ints
    campaign: Ints
    place: Ints
    """The order's place within its campaign, from 0."""
    area: Ints
    """The campaign's home area."""
    registry: Registry
    people: People
    rng: np.random.Generator

    @property
    def orders(self) -> int:
        """How many orders all campaigns have."""
        return len(self.at_us)

    def own(self, kind: str) -> Ints:
        """A new entity for each order."""
        return self.registry.new(kind, self._anywhere())

    def shared(self, kind: str, among: Ints | None = None) -> Ints:
        """One new entity for each campaign, or for each of the groups `among` within it."""
        group = np.zeros_like(self.campaign) if among is None else among
        _, first, inverse = np.unique(
            self.campaign * 4096 + group, return_index=True, return_inverse=True
        )
        return self.registry.new(kind, self.area[first])[inverse]

    def some(self, choices: int) -> Ints:
        """For each order one of so many groups."""
        return self.rng.integers(choices, size=self.orders)

    def _anywhere(self) -> Ints:
        return self.rng.choice(len(SHARES), size=self.orders, p=SHARES / SHARES.sum())


Scheme = Callable[[Campaigns], dict[str, Ints]]


def card_testing(all_of: Campaigns) -> dict[str, Ints]:
    """One device tries stolen cards, each with invented papers."""
    return {
        "user": all_of.own("user"),
        "document": all_of.own("document"),
        "email": all_of.own("email"),
        "phone": all_of.shared("phone", all_of.some(6)),
        "zip_code": all_of.shared("zip_code", all_of.some(4)),
        "device": all_of.shared("device"),
        "ip": all_of.shared("ip", all_of.some(2)),
        "card": all_of.own("card"),
    }


def one_document(all_of: Campaigns) -> dict[str, Ints]:
    """One stolen CPF buys to many addresses."""
    return {
        "user": all_of.shared("user", all_of.some(3)),
        "document": all_of.shared("document"),
        "email": all_of.shared("email", all_of.some(3)),
        "phone": all_of.shared("phone", all_of.some(3)),
        "zip_code": all_of.own("zip_code"),
        "device": all_of.shared("device", all_of.some(3)),
        "ip": all_of.shared("ip", all_of.some(4)),
        "card": all_of.shared("card", all_of.some(5)),
    }


def phone_ring(all_of: Campaigns) -> dict[str, Ints]:
    """A ring of invented customers who answer the same few phones."""
    member = all_of.place // 3
    return {
        "user": all_of.shared("user", member),
        "document": all_of.shared("document", member),
        "email": all_of.shared("email", member),
        "phone": all_of.shared("phone", member % 2),
        "zip_code": all_of.shared("zip_code", member % 5),
        "device": all_of.shared("device", member % 7),
        "ip": all_of.shared("ip", member % 7),
        "card": all_of.shared("card", member),
    }


def takeover(all_of: Campaigns) -> dict[str, Ints]:
    """Somebody has the passwords of customers, and sends their orders to his own addresses."""
    who, victim = all_of.people, all_of.place // 3
    _, first, inverse = np.unique(
        all_of.campaign * 4096 + victim, return_index=True, return_inverse=True
    )
    customer = all_of.rng.integers(who.count, size=len(first))[inverse]
    return {
        "user": who.user[customer],
        "document": who.document[customer],
        "email": who.email[customer],
        "phone": who.phone[customer],
        "zip_code": all_of.shared("zip_code", all_of.some(2)),
        "device": all_of.shared("device", victim % 2),
        "ip": all_of.shared("ip", all_of.some(3)),
        "card": who.card[customer, 0],
    }


def lone(all_of: Campaigns) -> dict[str, Ints]:
    """One stolen card, everything new: no history gives it away."""
    return {identifier: all_of.own(identifier) for identifier in SINGLE_VALUED}


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fraud: its share, how large and long its campaigns are, what it buys."""

    scheme: Scheme
    share: float
    orders: tuple[int, int]
    lasts_us: tuple[int, int]
    dearness: tuple[float, float]
    """Parameters of a beta distribution over the price list."""
    dispute: float


KINDS: Final = (
    Kind(card_testing, 0.28, (15, 60), (HOUR_US // 6, 3 * HOUR_US), (1.3, 3.0), 0.6),
    Kind(one_document, 0.20, (8, 25), (2 * DAY_US, 10 * DAY_US), (2.4, 2.0), 0.85),
    Kind(phone_ring, 0.18, (20, 60), (4 * DAY_US, 30 * DAY_US), (2.2, 1.9), 0.85),
    Kind(takeover, 0.16, (6, 30), (6 * HOUR_US, 6 * DAY_US), (2.8, 1.8), 0.85),
    Kind(lone, 0.18, (1, 2), (HOUR_US // 2, 2 * DAY_US), (2.2, 2.0), 0.75),
)


def fraud_orders(
    count: int, period: Period, who: People, registry: Registry, rng: np.random.Generator
) -> list[Drafts]:
    """About `count` fraudulent orders, a part for each kind."""
    shares = np.array([kind.share for kind in KINDS])
    counts = rng.multinomial(count, shares / shares.sum()).tolist()
    parts = zip(KINDS, counts, strict=True)
    return [_kind(kind, many, period, (who, registry, rng)) for kind, many in parts]


def _kind(
    kind: Kind, count: int, period: Period, world: tuple[People, Registry, np.random.Generator]
) -> Drafts:
    campaigns, rng = _campaigns(kind, count, period, world), world[2]
    named = kind.scheme(campaigns)
    kept = {name: lacking(name, named[name], rng) for name in ("user", "phone", "device", "ip")}
    dearness: Floats = rng.beta(*kind.dearness, size=count)
    return Drafts(
        at_us=campaigns.at_us,
        dearness=dearness,
        dispute=np.full(count, kind.dispute),
        **{**named, **kept},
    )


def _campaigns(
    kind: Kind, count: int, period: Period, world: tuple[People, Registry, np.random.Generator]
) -> Campaigns:
    """Campaigns of random size and length, cut off after `count` orders."""
    who, registry, rng = world
    least, most = kind.orders
    sizes = rng.integers(least, most + 1, size=count // least + 1)
    campaign = np.repeat(np.arange(len(sizes)), sizes)[:count]
    place = (np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes))[:count]
    begins = rng.permutation(instants(period, len(sizes), BY_NIGHT, rng))
    lasts = rng.integers(*kind.lasts_us, size=len(sizes))
    ends = np.minimum(begins + lasts, period.end_us)
    at_us = begins[campaign] + (rng.random(count) * (ends - begins)[campaign]).astype(np.int64)
    area = rng.choice(len(SHARES), size=len(sizes), p=SHARES / SHARES.sum())[campaign]
    return Campaigns(at_us, campaign, place, area, registry, who, rng)
