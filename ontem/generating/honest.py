"""What honest customers order: again and again, from home, on the way, for others."""

from __future__ import annotations

from typing import Final

import numpy as np

from ontem.generating.drafts import NONE, Drafts, Ints, Registry
from ontem.generating.people import CARDS, People
from ontem.generating.rhythm import BY_HOUR, HOUR_US, Period, instants

SOON_AGAIN: Final = 0.06
"""Share of orders that follow another of the same customer within the hour."""
FRIENDLY_FRAUD: Final = 0.004
"""Share of honest orders that are charged back all the same."""
AWAY: Final = {"zip_code": 0.07, "device": 0.05, "hot_device": 0.015, "carrier_ip": 0.4}
LACKING: Final = {
    "user": 0.06, "document": 0.03, "email": 0.01, "phone": 0.04, "device": 0.06, "ip": 0.02,
    "card": 0.12,
}  # fmt: skip


def honest_orders(
    count: int, period: Period, who: People, registry: Registry, rng: np.random.Generator
) -> Drafts:
    """`count` orders of these people in the period."""
    at_us = instants(period, count, BY_HOUR, rng)
    customer = _customers(at_us, period, who.count, rng)
    _order_again(at_us, customer, period, rng)
    card = np.minimum(rng.geometric(0.75, size=count) - 1, CARDS - 1)
    on_the_way = rng.random(count) < AWAY["carrier_ip"]
    carrier_ip = who.carrier_ip[_often_low(len(who.carrier_ip), count, rng)]
    return Drafts(
        at_us=at_us,
        user=lacking("user", who.user[customer], rng),
        document=lacking("document", who.document[customer], rng),
        email=lacking("email", who.email[customer], rng),
        phone=lacking("phone", who.phone[customer], rng),
        zip_code=_zip_codes(customer, who, rng),
        device=lacking("device", _devices(customer, who, registry, rng), rng),
        ip=lacking("ip", np.where(on_the_way, carrier_ip, who.home_ip[customer]), rng),
        card=lacking("card", who.card[customer, card], rng),
        dearness=rng.beta(1.6, 2.2, size=count),
        dispute=np.full(count, FRIENDLY_FRAUD),
    )


def lacking(kind: str, column: Ints, rng: np.random.Generator) -> Ints:
    """`column`, where some orders lack the identifier."""
    return np.where(rng.random(len(column)) < LACKING[kind], NONE, column)


def _customers(at_us: Ints, period: Period, count: int, rng: np.random.Generator) -> Ints:
    """Who orders: one of those who have joined by then, some far more often than others."""
    share = (at_us - period.start_us) / period.length_us
    joined = np.maximum(1, (count * (0.3 + 0.7 * share)).astype(np.int64))
    return (rng.random(len(at_us)) ** 1.35 * joined).astype(np.int64)


def _order_again(at_us: Ints, customer: Ints, period: Period, rng: np.random.Generator) -> None:
    """Make some orders, in place, a second one of whoever ordered just before them."""
    again = np.flatnonzero(rng.random(len(at_us)) < SOON_AGAIN)
    again = again[again > 0]
    wait = 1 + (rng.random(len(again)) * HOUR_US * 0.9).astype(np.int64)
    customer[again] = customer[again - 1]
    at_us[again] = np.minimum(at_us[again - 1] + wait, period.end_us - 1)


def _often_low(choices: int, count: int, rng: np.random.Generator) -> Ints:
    """`count` places below `choices`, the first ones most often."""
    return (rng.random(count) ** 2.5 * choices).astype(np.int64)


def _zip_codes(customer: Ints, who: People, rng: np.random.Generator) -> Ints:
    """Mostly their own; now and then a present for somebody else."""
    elsewhere = rng.random(len(customer)) < AWAY["zip_code"]
    other = rng.integers(who.count, size=len(customer))
    return np.where(elsewhere, who.zip_code[other], who.zip_code[customer])


def _devices(customer: Ints, who: People, registry: Registry, rng: np.random.Generator) -> Ints:
    """Mostly their own; now and then a new one, or a machine that many use."""
    draw = rng.random(len(customer))
    device = who.device[customer].copy()
    new = np.flatnonzero(draw < AWAY["device"])
    device[new] = registry.new("device", np.zeros(len(new), np.int64))
    public = np.flatnonzero(draw > 1 - AWAY["hot_device"])
    device[public] = who.hot_device[_often_low(len(who.hot_device), len(public), rng)]
    return device
