"""Amounts in whole cents: exact, whatever type or country they come from."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features_pkg.errors import OrdersRefused
from features_pkg.orders.columns.amount import column_cents
from features_pkg.orders.fields.amount import AmountFormat
from features_pkg.orders.fields.refusals import Refusals
from features_pkg.orders.limits import MOST_CENTS

CENTS, CURRENCY = AmountFormat(), AmountFormat("currency")
BRAZILIAN = AmountFormat("currency", ",", ".")
SWISS = AmountFormat("currency", ".", "'")


def cents_of(values: Any, form: AmountFormat, kind: pa.DataType | None = None) -> list[Any]:
    """The cents of each row, or the reason of its refusal."""
    column = values if isinstance(values, pa.Array) else pa.array(values, kind)
    refusals = Refusals(len(column))
    cents = column_cents(column, form, refusals).tolist()
    return [
        refusals.reasons[row][1] if row in refusals.reasons else amount
        for row, amount in enumerate(cents)
    ]


@pytest.mark.parametrize(
    ("text", "form", "cents"),
    [
        ("19.90", CURRENCY, 1990), ("19.9", CURRENCY, 1990), ("19", CURRENCY, 1900),
        (" 19.90 ", CURRENCY, 1990), ("+19.90", CURRENCY, 1990), ("1.99e1", CURRENCY, 1990),
        (".5", CURRENCY, 50), ("5.", CURRENCY, 500), ("-0", CURRENCY, 0), ("0.500", CURRENCY, 50),
        ("19.900000", CURRENCY, 1990), ("9999999999999.99", CURRENCY, MOST_CENTS),
        ("1990", CENTS, 1990), ("1990.0", CENTS, 1990), ("12345.000", CENTS, 12345),
        ("19,90", BRAZILIAN, 1990), ("1.234,56", BRAZILIAN, 123456), ("1.230", BRAZILIAN, 123000),
        ("10.000", BRAZILIAN, 1000000), ("1234,5", BRAZILIAN, 123450), ("7", BRAZILIAN, 700),
        ("1'234.50", SWISS, 123450), ("1.230", AmountFormat("currency", "."), 123),
        ("1 234,50", AmountFormat("currency", ",", " "), 123450),
    ],
)  # fmt: skip
def test_a_text_is_its_exact_amount(text: str, form: AmountFormat, cents: int) -> None:
    assert cents_of([text], form) == [cents]


@pytest.mark.parametrize(
    ("text", "form", "reason"),
    [
        ("", CENTS, "is missing"), ("  ", CENTS, "is missing"), (None, CENTS, "is missing"),
        ("free", CENTS, "is not a number"), ("R$ 19.90", CURRENCY, "is not a number"),
        ("NaN", CENTS, "is not a number"), ("inf", CENTS, "is not a number"),
        ("1_000", CENTS, "is not a number"), ("0x10", CENTS, "is not a number"),
        ("\u0661\u0662", CENTS, "is not a number"), ("1" * 65, CENTS, "is not a number"),
        ("-1", CENTS, "is negative"), ("-0.01", CURRENCY, "is negative"),
        ("19.9011", CURRENCY, "has parts of a cent"), ("19.9", CENTS, "has parts of a cent"),
        ("1000000000000.001", CURRENCY, "has parts of a cent"),
        ("0.0000000000000000000000000000000001", CURRENCY, "has parts of a cent"),
        ("10000000000000", CURRENCY, "is more than"), ("1e400", CENTS, "is more than"),
        ("1.23,45", BRAZILIAN, "is not a number"), ("1.2345,00", BRAZILIAN, "is not a number"),
        ("1,234.50", BRAZILIAN, "is not a number"), ("1.234.56", SWISS, "is not a number"),
        ("19.90", AmountFormat("currency", ","), "is not a number"),
    ],
)  # fmt: skip
def test_a_text_that_is_no_amount_says_why(text: Any, form: AmountFormat, reason: str) -> None:
    (found,) = cents_of([text], form, pa.string())

    assert str(found).startswith(reason)


@pytest.mark.parametrize(
    "text", ["19,90", "1.230", "10.000", "1.234.567", "1,234", "1,230.50", "19.901"]
)
@pytest.mark.parametrize("form", [CENTS, CURRENCY])
def test_a_text_that_is_two_numbers_refuses_its_column(text: str, form: AmountFormat) -> None:
    with pytest.raises(OrdersRefused, match="state the decimal mark") as refused:
        cents_of(["1", text], form)

    assert refused.value.column == "amount_cents"
    assert text not in str(refused.value).replace("such as 1.230 or 19,90", "")


@pytest.mark.parametrize(
    ("values", "kind", "form", "expected"),
    [
        ([19.90, 0.1 + 0.2], pa.float32(), CURRENCY, [1990, 30]),
        ([0.1 + 0.2, 1.1 + 2.2, 17.34], pa.float64(), CURRENCY, [30, 330, 1734]),
        ([131071.99, 99999.01], pa.float32(), CURRENCY, [13107199, 9999901]),
        ([9999999999999.99, 1e12 + 0.01], pa.float64(), CURRENCY, [MOST_CENTS, 10**14 + 1]),
        ([1990.0, -0.0], pa.float64(), CENTS, [1990, 0]),
        ([16777215.0], pa.float32(), CENTS, [2**24 - 1]),
        ([2**63 + 1, 5], pa.uint64(), CENTS, ["is more than 999999999999999 cents", 5]),
        ([10**13, 10**13 - 1], pa.int64(), CURRENCY, ["is more than 999999999999999 cents",
                                                     10**15 - 100]),
        ([-1, None], pa.int8(), CENTS, ["is negative", "is missing"]),
        ([Decimal("19.90"), Decimal("0.001")], None, CURRENCY, [1990, "has parts of a cent"]),
        ([Decimal("9999999999999.99")], pa.decimal256(60, 20), CURRENCY, [MOST_CENTS]),
        ([Decimal(10) ** 30], pa.decimal256(70, 2), CENTS, ["is more than 999999999999999 cents"]),
        ([None, None], pa.bool_(), CENTS, ["is missing", "is missing"]),
    ],
)  # fmt: skip
def test_a_number_of_every_type_is_its_exact_amount(
    values: Any, kind: Any, form: AmountFormat, expected: Any
) -> None:
    assert cents_of(values, form, kind) == expected


@pytest.mark.parametrize(
    ("value", "kind", "form", "reason"),
    [
        (1000000000000.001, pa.float64(), CURRENCY, "has parts of a cent"),
        (19.999, pa.float64(), CURRENCY, "has parts of a cent"),
        (19.9002, pa.float64(), CURRENCY, "has parts of a cent"),
        (1990.02, pa.float64(), CENTS, "has parts of a cent"),
        (131072.5, pa.float32(), CURRENCY, "is so large that its type of floats skips cents"),
        (2.0**24, pa.float32(), CENTS, "is so large that its type of floats skips cents"),
        (float("inf"), pa.float64(), CENTS, "is not a number"),
        (float("nan"), pa.float64(), CENTS, "is missing"),
        (1e300, pa.float64(), CENTS, "is more than"),
        (-0.01, pa.float64(), CURRENCY, "is negative"),
    ],
)
def test_a_float_that_no_cent_is_near_to_says_why(
    value: float, kind: pa.DataType, form: AmountFormat, reason: str
) -> None:
    (found,) = cents_of([value], form, kind)

    assert str(found).startswith(reason)


@given(cents=st.integers(0, MOST_CENTS))
def test_every_cent_survives_every_exact_type(cents: int) -> None:
    amount = Decimal(cents).scaleb(-2)

    assert cents_of([float(amount)], CURRENCY) == [cents]
    assert cents_of([amount], CURRENCY, pa.decimal128(38, 10)) == [cents]
    assert cents_of([f"{amount:f}"], AmountFormat("currency", ".")) == [cents]
    assert cents_of([f"{amount:,f}".translate(str.maketrans(",.", ".,"))], BRAZILIAN) == [cents]
    assert cents_of([cents], CENTS) == cents_of([float(cents)], CENTS) == [cents]
    if cents < 13107200:
        assert cents_of([np.float32(amount)], CURRENCY, pa.float32()) == [cents]


def test_what_one_row_gets_does_not_depend_on_the_others() -> None:
    rows = ["19.90", "free", None, "1e2", "-1", "0.001", "9" * 70, "5"]

    together = cents_of(rows, CURRENCY, pa.string())

    assert together == [cents_of([row], CURRENCY, pa.string())[0] for row in rows]


@pytest.mark.parametrize("kind", [pa.bool_(), pa.timestamp("us"), pa.list_(pa.int64())], ids=str)
def test_a_column_that_holds_no_numbers_is_refused(kind: pa.DataType) -> None:
    values = {pa.bool_(): True, pa.timestamp("us"): 0}.get(kind, [1])
    with pytest.raises(OrdersRefused, match="does not hold numbers"):
        cents_of([values], CENTS, kind)
