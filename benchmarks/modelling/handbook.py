"""Card payments of the shape that a published handbook simulates, as orders.

The rules are those that "Reproducible Machine Learning for Credit Card Fraud Detection" describes
in its section on the transaction data simulator (Le Borgne, Siblini, Lebichot and Bontempi, 2022).
A customer has a place, a mean amount and a mean number of payments a day, and pays at terminals
nearby. Fraud has three patterns:

1. a payment above 220 is fraud;
2. two terminals a day are compromised: all payments at them in the next 28 days are fraud;
3. three customers a day lose their card's data: a third of their payments in the next 14 days are
   fraud, of five times the amount.

The customer is the order's card, the terminal its device. Fraud is charged back a week later.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
import pyarrow as pa

from features_pkg.array_types import Floats, Ints, Mask
from features_pkg.calendar import DAY_US, to_us
from ontem.generating.generate import INSTANT

CUSTOMERS, TERMINALS = 5_000, 10_000
"""As many as the handbook has."""
RADIUS: Final = 5.0
"""How far from home a customer pays, where there is a terminal in each square of side 1."""
CHARGED_BACK_AFTER_DAYS: Final = 7
CENTS: Final = 100
ALWAYS_FRAUD_CENTS: Final = 220 * CENTS
NOON_SECONDS, SPREAD_SECONDS = 43_200, 20_000
TERMINALS_A_DAY, TERMINAL_DAYS = 2, 28
CUSTOMERS_A_DAY, CUSTOMER_DAYS = 3, 14
DEARER: Final = 5


@dataclass(slots=True)
class Payments:
    """Columns of equal length in time order: microseconds since the start, and who paid where."""

    at_us: Ints
    customer: Ints
    terminal: Ints
    cents: Ints

    @property
    def day(self) -> Ints:
        """The day of each, from 0."""
        return self.at_us // DAY_US


def handbook_orders(
    days: int, start: datetime, seed: int, customers: int = CUSTOMERS, terminals: int = TERMINALS
) -> pa.Table:
    """The orders of `days` days from `start` on, a midnight, as `point_in_time` takes them.

    With fewer terminals the area is smaller, so that each customer has as many nearby. The same
    arguments give the same table.
    """
    rng = np.random.default_rng(seed)
    payments = _payments(days, customers, terminals, rng)
    fraud = _fraud(payments, days, customers, terminals, rng)
    at_us = to_us(start) + payments.at_us
    rows = len(at_us)
    known_us = pa.array(at_us + CHARGED_BACK_AFTER_DAYS * DAY_US, mask=~fraud)
    return pa.table(
        {
            "order_id": pa.array(np.arange(rows)).cast(pa.string()),
            "merchant_id": pa.array(np.ones(rows, np.int64)),
            "event_at": pa.array(at_us).cast(INSTANT),
            "amount_cents": pa.array(payments.cents),
            "card": pa.array(payments.customer).cast(pa.string()),
            "device": pa.array(payments.terminal).cast(pa.string()),
            "chargeback_at": known_us.cast(INSTANT),
        }
    )


def _payments(days: int, customers: int, terminals: int, rng: np.random.Generator) -> Payments:
    nearby, first = _terminals_nearby(customers, terminals, rng)
    choices = np.diff(first)
    mean_cents = rng.uniform(5, 100, customers) * CENTS
    a_day = np.where(choices > 0, rng.uniform(0, 4, customers), 0.0)
    counts = rng.poisson(a_day[:, None], (customers, days))
    customer = np.repeat(np.arange(customers), counts.sum(axis=1))
    day = np.repeat(np.tile(np.arange(days), customers), counts.ravel())
    seconds = rng.normal(NOON_SECONDS, SPREAD_SECONDS, len(day)).astype(np.int64)
    within = (seconds > 0) & (seconds < DAY_US // 1_000_000)  # of the others there are none
    customer, at_us = customer[within], day[within] * DAY_US + seconds[within] * 1_000_000
    choice = (rng.random(len(customer)) * choices[customer]).astype(np.int64)
    drawn = Payments(
        at_us=at_us,
        customer=customer,
        terminal=nearby[first[customer] + choice],
        cents=_amounts(mean_cents[customer], rng),
    )
    order = np.argsort(drawn.at_us, kind="stable")
    return Payments(
        drawn.at_us[order], drawn.customer[order], drawn.terminal[order], drawn.cents[order]
    )


def _terminals_nearby(
    customers: int, terminals: int, rng: np.random.Generator
) -> tuple[Ints, Ints]:
    """All terminals near the first customer, the second, …; and where each one's begin."""
    side = np.sqrt(terminals)
    homes, places = rng.uniform(0, side, (customers, 2)), rng.uniform(0, side, (terminals, 2))
    near = [
        np.flatnonzero(np.square(places - home).sum(axis=1) < RADIUS * RADIUS) for home in homes
    ]
    first = np.concatenate([[0], np.cumsum([len(each) for each in near])])
    return np.concatenate(near), first


def _amounts(mean_cents: Floats, rng: np.random.Generator) -> Ints:
    """Normal about the mean, with half of it as deviation; what would be negative is uniform."""
    cents = rng.normal(mean_cents, mean_cents / 2)
    cents = np.where(cents < 0, rng.uniform(0, 2 * mean_cents), cents)
    return np.rint(cents).astype(np.int64)


def _fraud(
    payments: Payments, days: int, customers: int, terminals: int, rng: np.random.Generator
) -> Mask:
    """Which payments are fraud; amounts of those with a stolen card's data change in place."""
    fraud = payments.cents > ALWAYS_FRAUD_CENTS
    by_terminal, by_customer = _rows_by(payments.terminal), _rows_by(payments.customer)
    for day in range(days):
        for terminal in rng.choice(terminals, min(TERMINALS_A_DAY, terminals), replace=False):
            fraud[_from_day(payments, by_terminal.get(int(terminal)), day, TERMINAL_DAYS)] = True
    for day in range(days):
        for customer in rng.choice(customers, min(CUSTOMERS_A_DAY, customers), replace=False):
            rows = _from_day(payments, by_customer.get(int(customer)), day, CUSTOMER_DAYS)
            stolen = rng.choice(rows, len(rows) // 3, replace=False)
            payments.cents[stolen] *= DEARER
            fraud[stolen] = True
    return fraud


def _rows_by(column: Ints) -> dict[int, Ints]:
    """The rows of each value that occurs, in time order."""
    order = np.argsort(column, kind="stable")
    values, first = np.unique(column[order], return_index=True)
    parts = np.split(order, first[1:])
    return {int(value): rows for value, rows in zip(values, parts, strict=True)}


def _from_day(payments: Payments, rows: Ints | None, day: int, days: int) -> Ints:
    """Those of the rows that lie in the `days` days from `day` on."""
    if rows is None:
        return np.zeros(0, dtype=np.int64)
    start, end = np.searchsorted(payments.at_us[rows], (day * DAY_US, (day + days) * DAY_US))
    return rows[start:end]
