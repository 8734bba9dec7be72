"""The orders of the handbook's shape follow its rules, and its own features are as it says."""

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pytest

from benchmarks.modelling.handbook import handbook_orders
from benchmarks.modelling.handbook_features import DAYS, handbook_matrix
from benchmarks.modelling.shops import Shop
from features_pkg.calendar import DAY_US

START = datetime(2018, 4, 1, tzinfo=UTC)
DAY_COUNT, CUSTOMERS, TERMINALS = 60, 300, 600
WEEK_US = 7 * DAY_US


@pytest.fixture(scope="module")
def orders() -> pa.Table:
    return handbook_orders(DAY_COUNT, START, 3, CUSTOMERS, TERMINALS)


def instants_us(orders: pa.Table, name: str = "event_at") -> np.ndarray:
    return orders[name].cast(pa.int64()).fill_null(-1).to_numpy()


def numbers(orders: pa.Table, name: str) -> np.ndarray:
    return orders[name].cast(pa.int64()).to_numpy()


def test_the_same_arguments_give_the_same_orders_and_another_seed_others(orders: pa.Table) -> None:
    assert handbook_orders(DAY_COUNT, START, 3, CUSTOMERS, TERMINALS).equals(orders)
    other = handbook_orders(DAY_COUNT, START, 4, CUSTOMERS, TERMINALS)
    assert not np.array_equal(instants_us(other)[:100], instants_us(orders)[:100])


def test_customers_pay_twice_a_day_on_average_and_about_noon(orders: pa.Table) -> None:
    at_us = instants_us(orders)
    assert (np.diff(at_us) >= 0).all()
    assert 1.6 < len(at_us) / DAY_COUNT / CUSTOMERS < 2.2
    assert 11 < np.mean(at_us % DAY_US) / DAY_US * 24 < 13
    assert at_us[0] >= START.timestamp() * 1e6
    assert at_us[-1] < START.timestamp() * 1e6 + DAY_COUNT * DAY_US


def test_a_customer_pays_at_terminals_nearby(orders: pa.Table) -> None:
    cards, devices = numbers(orders, "card"), numbers(orders, "device")
    reached = [len(np.unique(devices[cards == card])) for card in np.unique(cards)]
    # A circle of radius 5 has some 78 terminals, less at the border.
    assert 20 < np.mean(reached) < 79


def test_fraud_is_charged_back_a_week_later(orders: pa.Table) -> None:
    at_us, known_us = instants_us(orders), instants_us(orders, "chargeback_at")
    fraud = known_us >= 0
    assert (known_us[fraud] - at_us[fraud] == WEEK_US).all()


def test_what_is_dear_is_fraud(orders: pa.Table) -> None:
    dear = numbers(orders, "amount_cents") > 22_000
    assert dear.any()
    assert (instants_us(orders, "chargeback_at")[dear] >= 0).all()


def test_a_compromised_terminal_has_nothing_but_fraud_for_four_weeks(orders: pa.Table) -> None:
    day = (instants_us(orders) - int(START.timestamp()) * 1_000_000) // DAY_US
    fraud, device = instants_us(orders, "chargeback_at") >= 0, numbers(orders, "device")
    shares, lengths = [], []
    for terminal in np.unique(device[fraud]):
        mine = device == terminal
        days = day[mine & fraud]
        if len(days) >= 10 and np.ptp(days) < 28:  # compromised once, and hardly any other fraud
            shares.append(fraud[mine & (day >= days[0]) & (day <= days[-1])].mean())
            lengths.append(np.ptp(days))
    assert len(shares) > 20
    assert np.median(shares) == 1.0
    assert np.median(lengths) > 20


def test_a_stolen_cards_third_payment_is_five_times_as_dear(orders: pa.Table) -> None:
    cents, card = numbers(orders, "amount_cents"), numbers(orders, "card")
    fraud = instants_us(orders, "chargeback_at") >= 0
    honest_mean = {c: cents[(card == c) & ~fraud].mean() for c in np.unique(card)}
    ratios = [
        cents[(card == c) & fraud & (cents <= 22_000)].mean() / honest_mean[c]
        for c in np.unique(card)
        if (fraud & (card == c)).sum() >= 5
    ]
    assert np.quantile(ratios, 0.9) > 2.5


def test_the_handbooks_features_are_what_its_text_says(orders: pa.Table) -> None:
    shop = Shop("a shop", orders, "UTC", 0)
    rows = np.arange(0, orders.num_rows, 997)
    matrix = handbook_matrix(shop, rows)
    at_us, known_us = instants_us(orders), instants_us(orders, "chargeback_at")
    cents = numbers(orders, "amount_cents")
    card, device = numbers(orders, "card"), numbers(orders, "device")
    earlier = at_us < at_us[rows][:, None]
    for number, days in enumerate(DAYS):
        since = at_us[rows][:, None] - days * DAY_US
        mine = earlier & (card == card[rows][:, None]) & (at_us >= since)
        payments = mine.sum(axis=1) + 1
        spent = np.where(mine, cents, 0).sum(axis=1) + cents[rows]
        week_ago = at_us[rows][:, None] - WEEK_US
        there = (device == device[rows][:, None]) & (at_us < week_ago)
        there &= at_us >= since - WEEK_US
        frauds = (there & (known_us >= 0)).sum(axis=1)
        visits = there.sum(axis=1)
        assert np.array_equal(matrix[:, 3 + number], payments)
        assert np.allclose(matrix[:, 6 + number], spent / payments)
        assert np.array_equal(matrix[:, 9 + number], visits)
        assert np.allclose(matrix[:, 12 + number], frauds / np.maximum(visits, 1))
    hour = at_us[rows] % DAY_US // (DAY_US // 24)
    assert np.array_equal(matrix[:, 2], hour <= 6)
    assert matrix[:, 1].mean() == pytest.approx(2 / 7, abs=0.15)
