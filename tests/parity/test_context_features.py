"""Order features by column are what the functions of one order say."""

from __future__ import annotations

from datetime import timedelta

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from features_pkg import shuffle
from features_pkg.calendar import Calendar
from features_pkg.definitions.order_features import CONTEXT_FEATURES, OrderContext
from features_pkg.orders.order import Order
from features_pkg.shuffle.context_features import context_columns
from tests.parity import worlds

ORDERS = pa.schema(
    [("merchant_id", pa.int64()), ("amount_cents", pa.int64()), *shuffle.QUESTION_FIELDS]
)
# The clocks of Lord Howe are changed in the middle of an hour of UTC.
half_past_us = st.builds(
    lambda us, more: us - us % 3_600_000_000 + more,
    st.sampled_from([worlds.to_us(each) for each in worlds.AROUND] + [1_538_234_999_999_999]),
    st.sampled_from((-1, 0, 1_799_999_999, 1_800_000_000, 3_599_999_999)),
)
asked_us = worlds.instants_us | half_past_us | st.integers(0, 2**51)
visibilities = st.none() | st.lists(st.integers(0, 6), min_size=3, max_size=5)


@st.composite
def asked(draw: st.DrawFn) -> dict[str, object]:
    at_us = draw(asked_us)
    return {
        "merchant_id": draw(st.integers(1, 2)),
        "amount_cents": draw(st.integers(0, 2**40)),
        "asked_us": at_us,
        "as_of": at_us // 86_400_000_000 + 719_163 + draw(st.integers(-3, 1)),
        "visible": draw(visibilities),
    }


@given(
    rows=st.lists(asked(), min_size=1, max_size=8),
    starts=st.lists(
        st.tuples(st.integers(1, 2), worlds.instants_us, st.integers(0, 6)), max_size=6
    ),
    calendar=worlds.calendars,
    lag=st.sampled_from((timedelta(0), timedelta(hours=4))),
)
@settings(max_examples=150, deadline=None)
def test_columns_are_the_functions_of_one_order(
    rows: list[dict[str, object]],
    starts: list[tuple[int, int, int]],
    calendar: Calendar,
    lag: timedelta,
) -> None:
    firsts = shuffle.MerchantStarts(starts)
    table = pa.Table.from_pylist(rows, schema=ORDERS)

    found = context_columns(table, lag, calendar, firsts)

    assert found.keys() == CONTEXT_FEATURES.keys()
    for position, row in enumerate(table.to_pylist()):
        watermark = row["visible"][0] if row["visible"] else None
        first_us = firsts.first_us(row["merchant_id"], calendar.cutoff_us(row["as_of"]), watermark)
        due_day = calendar.due_day(row["asked_us"], lag)
        days = 0 if first_us is None else due_day - calendar.day_of(first_us)
        order = Order(order_id="1", amount_cents=row["amount_cents"])
        context = OrderContext(order, calendar.local(row["asked_us"]), days)
        for name, function in CONTEXT_FEATURES.items():
            assert found[name][position] == function(context), name
