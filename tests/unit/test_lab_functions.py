"""A plain function of the order as a candidate: what it sees, and what is refused."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import numpy as np
import pytest

from features_pkg.definitions.feature_set import FeatureSet
from ontem.lab.candidates import FunctionCandidate
from ontem.lab.errors import ColumnUnknown, LooksAhead, LooksAtOthers, ValuesRefused
from ontem.lab.order_view import OrderView, function_values, refuse_unknown_everywhere

AMOUNTS = np.array([1000.0, 250.0, 1999.0, np.nan])


def values(function: Callable[[Any], Any]) -> np.ndarray:
    candidate = FunctionCandidate(getattr(function, "__name__", "it"), function)
    columns = {"amount_cents": AMOUNTS, "local_hour": np.array([1.0, 2.0, 3.0, 4.0])}
    view = OrderView(candidate.name, tuple(columns), columns.__getitem__)
    return function_values(candidate, view, lambda row: f"o{row}", len(AMOUNTS))


def refusal(function: Callable[[Any], Any], kind: type[Exception]) -> str:
    with pytest.raises(kind) as refused:
        values(function)
    return str(refused.value)


def test_a_function_reads_columns_by_attribute_or_item() -> None:
    def late_and_large(order: Any) -> Any:
        return (order.amount_cents > 500) & (order["local_hour"] > 1)

    assert values(late_and_large).tolist() == [0.0, 0.0, 1.0, 0.0]


def test_what_is_unknown_stays_unknown() -> None:
    assert np.isnan(values(lambda order: order.amount_cents * 2)[3])


def test_a_function_can_not_change_what_the_next_one_reads() -> None:
    def greedy(order: Any) -> Any:
        amounts = order.amount_cents
        amounts[:] = 0
        return order.amount_cents

    assert values(greedy)[0] == 1000.0


@pytest.mark.parametrize("column", ["chargeback_at", "label", "label_known_at", "recorded_key"])
def test_a_function_that_reads_what_comes_later_is_refused(column: str) -> None:
    told = refusal(lambda order: order[column], LooksAhead)

    assert f"<lambda> reads {column}, which " in told
    assert told.endswith("a feature is made of what was known when its order came")


def test_the_refusal_of_an_unknown_column_names_those_that_there_are() -> None:
    assert (
        "it reads weight, which these orders do not have; they have amount_cents, local_hour"
        in (refusal(partial(lambda order: order.weight), ColumnUnknown))
    )


def test_of_many_columns_the_nearest_are_named() -> None:
    known = FeatureSet("UTC", timedelta(0)).names

    told = str(ColumnUnknown(candidate="it", column="amount_cent", known=known))

    assert f"of their {len(known)} columns the nearest are amount_cents, " in told
    assert len(told) < 250


def test_a_function_of_other_orders_is_refused() -> None:
    told = refusal(lambda order: order.local_hour.cumsum(), LooksAtOthers)

    assert "an order feature sees its own order alone" in told


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda order: order.amount_cents[:2], "gives 2 values for 4 orders: return one number"),
        (lambda _: 7, "gives an array of shape () for 4 orders"),
        (lambda _: ["a", "b", "c", "d"], "gives a list that is not an array of numbers"),
        (lambda order: order.amount_cents * np.inf, "is infinite for 3 of 4 orders: return NaN"),
        (lambda _: np.array(["NaT"] * 4, "datetime64[us]"), "gives instants: subtract one from"),
        (lambda _: np.array(["NaT"] * 4, "timedelta64[s]"), "gives spans of time: divide a span"),
        (lambda order: order.amount_cents * 1j, "gives complex numbers: return a real one"),
    ],
    ids=["too short", "one number", "texts", "infinite", "instants", "spans", "complex"],
)
def test_what_is_not_a_number_for_each_order_is_refused(
    function: Callable[[Any], Any], reason: str
) -> None:
    assert f"<lambda> {reason}" in refusal(function, ValuesRefused)


def test_values_that_are_all_unknown_are_refused() -> None:
    with pytest.raises(ValuesRefused, match=r"x is unknown \(null\) for all 3 orders"):
        refuse_unknown_everywhere("x", np.full(3, np.nan))
