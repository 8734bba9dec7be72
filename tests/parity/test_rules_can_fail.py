"""Each rule of docs/semantics.md section 2 is broken once in the code, and a comparison fails.

The history is small and made by hand: every line of it is there for one rule. Both engines are held
to the reference on it, first as they are and then with each mistake.
"""

from __future__ import annotations

import math
from datetime import timedelta

import pyarrow as pa
import pytest

from features_pkg import parse_name, point_in_time
from features_pkg.calendar import DAY_US
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.definitions.velocity import Velocity
from features_pkg.engines import reference
from features_pkg.engines.one_order import Evaluator
from tests.parity import rows
from tests.parity.mistakes import ARRAY_MISTAKES, ONE_ORDER_MISTAKES
from tests.parity.mutants import Mistake, Swap, broken
from tests.parity.orders import numbered, order
from tests.parity.worlds import as_rows

ALSO_NOT_SERVED = ("card_orders_ever_recent", "card_distinct_user_orders_30d_recent")
NAMES = (
    "card_orders_24h_recent",
    "card_orders_1h_recent",
    "card_orders_since_cutoff_recent",
    "card_orders_1d_distant",
    "card_orders_7d_distant",
    "card_orders_90d_distant",
    "card_orders_ever_distant",
    "card_distinct_user_orders_24h_recent",
    "card_distinct_user_orders_7d_distant",
    "card_distinct_user_orders_ever_distant",
    "card_distinct_product_orders_24h_recent",
    "card_distinct_product_orders_30d_distant",
    "card_amount_cents_orders_24h_recent",
    "card_amount_cents_orders_7d_distant",
    "card_amount_cents_orders_ever_distant",
    "card_chargebacks_24h_recent",
    "card_chargebacks_since_cutoff_recent",
    "card_chargebacks_7d_distant",
    "card_distinct_user_chargebacks_7d_distant",
    "card_first_order_age_seconds",
    "card_last_order_age_seconds",
    "card_last_chargeback_age_seconds",
    "product_orders_24h_recent",
    "product_orders_7d_distant",
    "product_amount_cents_orders_24h_recent",
    "product_first_order_age_seconds",
    "user_orders_24h_recent",
    "user_first_order_age_seconds",
)
FEATURES = FeatureSet("America/Sao_Paulo", timedelta(hours=4), tuple(map(parse_name, NAMES)))
IN_ARRAYS: tuple[Velocity, ...] = FEATURES.velocities + tuple(map(parse_name, ALSO_NOT_SERVED))


# The usual question is asked on 2018-06-10 at 15:00; that day began at 03:00.
HISTORY = numbered(
    order("2018-06-10 15:00", user="u1", product=("p", "q"), charged="2018-06-20 12:00"),
    order("2018-06-10 15:00", user="tie", product=("p", "new")),
    order("2018-06-10 14:00", user=None, product=("p", "p")),
    order("2018-06-10 13:00", user="left edge"),
    order("2018-06-09 15:00", user="left edge", product=("q", "r")),
    order("2018-06-09 14:59:59.999999", user="too early"),
    order("2018-06-10 03:00", user="first of the day"),
    order("2018-06-10 02:59:59.999999", user="last of yesterday", product=("q",)),
    order("2018-06-10 06:59:59.999999", user="still yesterday's snapshot"),
    order("2018-06-10 07:00", user="today's snapshot"),
    order("2018-06-03 03:00", user="seven days", charged="2018-06-10 02:00"),
    order("2018-06-03 02:59:59.999999", user="eight days", charged="2018-06-10 14:30"),
    order("2018-06-02 12:00", user="u1"),  # u1 comes before the 7 days and again in them
    order("2018-06-05 12:00", user="u1", product=("q", "q")),
    order("2018-06-07 12:00", user="u1", product=("q",), charged="2018-06-10 15:00"),
    order("2018-06-07 12:00", user="other merchant", product=("p",), merchant="m2"),
    order("2018-06-10 14:30", user="other merchant", product=("p",), merchant="m2"),
    order("2018-02-01 12:00", user="long ago", product=("q",), charged="2018-02-03 12:00"),
    order("2018-06-10 16:00", card="never seen", user="never seen"),
    order("2018-06-10 16:00", card=None, user=None),
    # A value that comes back after more than the window, then a question between and after.
    order("2018-04-01 12:00", user="comes back"),
    order("2018-05-20 12:00", user="comes back"),
    # São Paulo: 2018-11-04 begins at 03:00 and has 23 hours; its snapshot serves from 07:00.
    order("2018-11-04 02:59:59", user="before the short day"),
    order("2018-11-04 03:00", user="in it"),
    order("2018-11-04 06:30", user="before its snapshot serves"),
    order("2018-11-05 01:59:59", user="its last hour"),
    order("2018-11-05 02:00", user="the day after"),
    order("2018-11-05 12:00", user="asks"),
    order("2018-06-10 16:00", user="names the product with more orders first", product=("p", "q")),
)
QUESTIONS = [
    reference.Question(o.at_us, rows.CALENDAR.due_day(o.at_us, FEATURES.snapshot_lag))
    for o in HISTORY
]
EXPECTED = {
    velocity.name: [
        reference.value(velocity, asker, question, HISTORY, rows.CALENDAR)
        for asker, question in zip(HISTORY, QUESTIONS, strict=True)
    ]
    for velocity in IN_ARRAYS
}
ASKERS = (0, 1, 8, 9, 18, 19, 24, 27, 28)
"""Those who ask one by one, too."""


def arrays_are_right() -> bool:
    found = point_in_time(pa.Table.from_pylist(as_rows(HISTORY)), IN_ARRAYS)
    return all(found[name].to_pylist() == values for name, values in EXPECTED.items())


def one_order_is_right() -> bool:
    return all(_vector(place) == [EXPECTED[name][place] for name in NAMES] for place in ASKERS)


def _vector(place: int) -> list[float | None]:
    asker, question = HISTORY[place], QUESTIONS[place]
    timelines = rows.snapshot(HISTORY, question.as_of, FEATURES)
    start_us = min(question.at_us - DAY_US, rows.CALENDAR.cutoff_us(question.as_of))
    vector = Evaluator(FEATURES).vector(
        rows.as_order(asker),
        question.at_us,
        rows.distant_past(asker, timelines, question.as_of),
        rows.recent(asker, HISTORY, start_us, question.at_us),
    )
    return [None if math.isnan(v) else v for v in vector.values[: len(NAMES)]]


def test_without_a_mistake_both_engines_are_right() -> None:
    assert arrays_are_right()
    assert one_order_is_right()


@pytest.mark.parametrize("mistake", ARRAY_MISTAKES.values(), ids=ARRAY_MISTAKES)
def test_a_mistake_in_arrays_is_caught(mistake: Mistake | Swap) -> None:
    with broken(mistake):
        assert not arrays_are_right()


@pytest.mark.parametrize("mistake", ONE_ORDER_MISTAKES.values(), ids=ONE_ORDER_MISTAKES)
def test_a_mistake_in_one_order_is_caught(mistake: Mistake | Swap) -> None:
    with broken(mistake):
        assert not one_order_is_right()
