"""The orders of honest customers: again and again, from home, on the way, for others."""

from __future__ import annotations

from typing import Final

import numpy as np

from features_pkg.array_types import Ints
from ontem.generating.drafts import NO_ENTITY, Drafts, Registry
from ontem.generating.people import CARDS, People
from ontem.generating.rhythm import BY_HOUR, HOUR_US, TimeSpan, draw_instants

SOON_AGAIN: Final = 0.06
"""The share of orders that a customer places within an hour of another one."""
FRIENDLY_FRAUD: Final = 0.004
"""The share of honest orders that are charged back all the same."""
AWAY: Final = {"zip_code": 0.07, "device": 0.05, "hot_device": 0.015, "carrier_ip": 0.4}
LACKING: Final = {
    "user": 0.06, "document": 0.03, "email": 0.01, "phone": 0.04, "device": 0.06, "ip": 0.02,
    "card": 0.12, "seller": 0.15,
}  # fmt: skip


def honest_orders(
    count: int, span: TimeSpan, people: People, registry: Registry, rng: np.random.Generator
) -> Drafts:
    """`count` orders of these people in the time span."""
    at_us = draw_instants(span, count, BY_HOUR, rng)
    customer = _customers(at_us, span, people.count, rng)
    _order_again(at_us, customer, span, rng)
    card = np.minimum(rng.geometric(0.75, size=count) - 1, CARDS - 1)
    on_the_way = rng.random(count) < AWAY["carrier_ip"]
    carrier_ip = people.carrier_ip[_often_low(len(people.carrier_ip), count, rng)]
    return Drafts(
        at_us=at_us,
        user=lacking("user", people.user[customer], rng),
        document=lacking("document", people.document[customer], rng),
        email=lacking("email", people.email[customer], rng),
        phone=lacking("phone", people.phone[customer], rng),
        zip_code=_zip_codes(customer, people, rng),
        device=lacking("device", _devices(customer, people, registry, rng), rng),
        ip=lacking("ip", np.where(on_the_way, carrier_ip, people.home_ip[customer]), rng),
        card=lacking("card", people.card[customer, card], rng),
        seller=usual_sellers(at_us, span, people, rng),
        dearness=rng.beta(1.6, 2.2, size=count),
        dispute=np.full(count, FRIENDLY_FRAUD),
    )


def lacking(identifier: str, column: Ints, rng: np.random.Generator) -> Ints:
    """`column` with NO_ENTITY for some orders, as often as they lack the identifier."""
    return np.where(rng.random(len(column)) < LACKING[identifier], NO_ENTITY, column)


def usual_sellers(at_us: Ints, span: TimeSpan, people: People, rng: np.random.Generator) -> Ints:
    """The seller of each order: one whose shop has opened by then, or none: the house's own."""
    share = (at_us - span.start_us) / span.length_us
    opened = np.maximum(1, (len(people.seller) * (0.4 + 0.6 * share)).astype(np.int64))
    seller = (rng.random(len(at_us)) ** 1.6 * opened).astype(np.int64)
    return lacking("seller", people.seller[seller], rng)


def _customers(at_us: Ints, span: TimeSpan, count: int, rng: np.random.Generator) -> Ints:
    """The customer of each order: one who has joined by then, some far more often than others."""
    share = (at_us - span.start_us) / span.length_us
    joined = np.maximum(1, (count * (0.3 + 0.7 * share)).astype(np.int64))
    return (rng.random(len(at_us)) ** 1.35 * joined).astype(np.int64)


def _order_again(at_us: Ints, customer: Ints, span: TimeSpan, rng: np.random.Generator) -> None:
    """Turn some orders, in place, into a second order of the customer just before them."""
    again = np.flatnonzero(rng.random(len(at_us)) < SOON_AGAIN)
    again = again[again > 0]
    wait = 1 + (rng.random(len(again)) * HOUR_US * 0.9).astype(np.int64)
    customer[again] = customer[again - 1]
    at_us[again] = np.minimum(at_us[again - 1] + wait, span.end_us - 1)


def _often_low(choices: int, count: int, rng: np.random.Generator) -> Ints:
    """`count` numbers below `choices`, the low ones most often."""
    return (rng.random(count) ** 2.5 * choices).astype(np.int64)


def _zip_codes(customer: Ints, people: People, rng: np.random.Generator) -> Ints:
    """Mostly the customer's own CEP; now and then that of somebody who gets a present."""
    elsewhere = rng.random(len(customer)) < AWAY["zip_code"]
    other = rng.integers(people.count, size=len(customer))
    return np.where(elsewhere, people.zip_code[other], people.zip_code[customer])


def _devices(customer: Ints, people: People, registry: Registry, rng: np.random.Generator) -> Ints:
    """Mostly the customer's own device; now and then a new one, or one that many use."""
    draw = rng.random(len(customer))
    device = people.device[customer].copy()
    new = np.flatnonzero(draw < AWAY["device"])
    device[new] = registry.new("device", np.zeros(len(new), np.int64))
    public = np.flatnonzero(draw > 1 - AWAY["hot_device"])
    device[public] = people.hot_device[_often_low(len(people.hot_device), len(public), rng)]
    return device
