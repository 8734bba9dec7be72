"""A table of orders in the place of a training set: the same values as in a notebook."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from features_pkg import point_in_time
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.errors import OrdersRefused
from features_pkg.identifiers import IDENTIFIERS
from ontem.generating.generate import generate
from ontem.lab.candidates import read_candidates
from ontem.lab.computing import Computing
from ontem.lab.errors import LooksAhead, TooFewOrders
from ontem.lab.given_orders import GivenSource
from ontem.lab.source import ChosenOrders

FEATURES = FeatureSet("America/Sao_Paulo", timedelta(hours=4))
ORDERS = generate(700, 60, 3, datetime(2018, 6, 1, tzinfo=UTC))
ORDERS = ORDERS.append_column("merchant_id", pa.array(["shop", "outra"] * 350))
MATURITY = timedelta(days=20)
NAMES = (
    *(f"{identifier}_orders_30d_distant" for identifier in IDENTIFIERS),
    "product_first_order_age_seconds",
    "document_chargebacks_ever_distant",
    "device_distinct_card_orders_24h_recent",
    "card_mean_amount_cents_orders_30d_distant",
    "phone_orders_3h_recent",
)


@pytest.fixture(scope="module")
def source() -> GivenSource:
    return GivenSource(ORDERS, FEATURES, MATURITY)


def test_the_values_are_those_of_point_in_time(source: GivenSource) -> None:
    rows = np.arange(1, ORDERS.num_rows, 3)
    values = source.existing(rows, NAMES)

    expected = point_in_time(ORDERS, NAMES)
    for column, name in enumerate(NAMES):
        told = pc.cast(expected[name], pa.float64()).to_numpy()[rows]
        np.testing.assert_array_equal(values[:, column], told, err_msg=name)


def test_labels_are_as_of_the_newest_instant_of_the_table(source: GivenSource) -> None:
    orders = source.labelled()

    at_us = ORDERS["event_at"].cast(pa.int64()).to_numpy()
    back_us = pc.fill_null(ORDERS["chargeback_at"].cast(pa.int64()), 2**62).to_numpy()
    newest = max(at_us.max(), back_us[back_us < 2**62].max())
    maturity_us = MATURITY // timedelta(microseconds=1)
    old = at_us <= newest - maturity_us
    late = (back_us < 2**62) & (back_us > at_us + maturity_us)
    assert set(orders.rows.tolist()) == set(np.flatnonzero(old & ~late).tolist())
    assert (orders.labels == (back_us[orders.rows] <= at_us[orders.rows] + maturity_us)).all()
    assert 0 < orders.labels.sum() < len(orders)
    assert (np.diff(orders.asked_us) >= 0).all()


def test_a_column_with_times_after_the_orders_is_refused() -> None:
    delivered = pc.add(ORDERS["event_at"], pa.scalar(timedelta(days=3)))
    table = ORDERS.append_column("delivered_at", delivered)
    source = GivenSource(table, FEATURES, MATURITY)

    def days_to_deliver(order: Any) -> Any:
        return (order.delivered_at - order.event_at) / np.timedelta64(1, "D")

    computing = Computing(source, read_candidates(days_to_deliver))
    with pytest.raises(LooksAhead, match="days_to_deliver reads delivered_at, which is after the"):
        computing.values(computing.candidates[0], source.some(50)[0])


def test_a_function_reads_the_columns_of_the_table(source: GivenSource) -> None:
    def free_mail(order: Any) -> Any:
        return [str(email).endswith("gmail.com") for email in order.email]

    computing = Computing(source, read_candidates(free_mail))
    orders, matrix = source.some(100)
    values = computing.values(computing.candidates[0], orders)

    emails = ORDERS["email"].to_pylist()
    assert values.tolist() == [str(emails[row]).endswith("gmail.com") for row in orders.rows]
    assert matrix.shape == (100, len(FEATURES.names))


def test_by_own_times_a_chargeback_counts_from_its_order() -> None:
    at = datetime(2018, 5, 1, 12, tzinfo=UTC)
    table = pa.table(
        {
            "order_id": ["fraud", "next", "last"],
            "merchant_id": ["shop"] * 3,
            "event_at": [at, at + timedelta(hours=1), at + timedelta(days=30)],
            "amount_cents": [100, 100, 100],
            "card": ["c1"] * 3,
            "chargeback_at": pa.array(
                [at + timedelta(days=20), None, None], pa.timestamp("us", "UTC")
            ),
        }
    )
    source = GivenSource(table, FEATURES, MATURITY)
    (candidate,) = read_candidates("card_chargebacks_ever_distant")
    (soon,) = read_candidates("card_chargebacks_24h_recent")
    computing = Computing(source, [candidate, soon])
    rows = np.arange(3)
    orders = ChosenOrders(rows, rows, rows)

    assert computing.values(candidate, orders).tolist() == [0, 0, 1]
    assert computing.values(soon, orders).tolist() == [0, 0, 0]
    own = computing.values_by_own_times(soon, orders)
    assert own is not None
    assert own.tolist() == [0, 1, 0]


def test_an_order_is_dated_by_when_the_merchant_placed_it() -> None:
    at = datetime(2018, 5, 1, 12, tzinfo=UTC)
    table = pa.table(
        {
            "order_id": ["a", "b"],
            "merchant_id": ["shop"] * 2,
            "event_at": [at, at + timedelta(minutes=1)],
            "placed_at": pa.array([at + timedelta(minutes=2), None], pa.timestamp("us", "UTC")),
            "amount_cents": [100, 100],
            "card": ["c1"] * 2,
        }
    )
    source = GivenSource(table, FEATURES, MATURITY)
    (candidate,) = read_candidates("card_orders_1h_recent")
    computing = Computing(source, [candidate])
    orders = ChosenOrders(np.arange(2), np.arange(2), np.arange(2))

    assert computing.values(candidate, orders).tolist() == [0, 1]
    own = computing.values_by_own_times(candidate, orders)
    assert own is not None
    assert own.tolist() == [1, 0]


def test_a_table_that_is_none_is_refused() -> None:
    with pytest.raises(OrdersRefused, match="column 'event_at': is missing"):
        GivenSource(ORDERS.drop_columns(["event_at"]), FEATURES, MATURITY)


def test_a_table_without_orders_is_refused() -> None:
    with pytest.raises(TooFewOrders, match="the table has no order"):
        GivenSource(ORDERS.slice(0, 0), FEATURES, MATURITY)


def test_orders_that_are_all_too_new_for_a_label_are_told() -> None:
    source = GivenSource(ORDERS.slice(0, 1), FEATURES, MATURITY)

    with pytest.raises(TooFewOrders, match=r"none of 1 orders that were given is .* days old"):
        source.labelled()
