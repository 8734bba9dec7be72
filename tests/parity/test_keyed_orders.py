"""Keyed orders say what the orders say, value by value, and nothing that names anybody."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features_pkg import shuffle
from features_pkg.definitions.order_features import (
    ORDER_FEATURES,
    VALUE_FEATURES,
    OrderContext,
    order_feature_values,
)
from features_pkg.identifiers import IDENTIFIERS, MERCHANT, SINGLE_VALUED, Identifier
from features_pkg.orders.order import Order
from tests.parity.mutants import Mistake, broken
from tests.parity.rows import CALENDAR, KEYS

PHONES = ("+5511987654321", "+5521987654321", "+551133224455", "+5511", "+14155552671", "123",
          "+55119876543\u0663", "+5511987654321\n", "+5523987654321", "+551178901234")  # fmt: skip
ZIP_CODES = ("01310100", "01310", "22041001", "0131", "00000000", "SW1A 1AA", "1\u00e920-1", "20",
             "01310100\n", "0131010", "2204\u0661001")  # fmt: skip
DOCUMENTS = ("52998224725", "52998224724", "52998224733", "11222333000181", "11222333000182", "ABC",
             "1" * 11, "0" * 11, "52998224725\n", "5299822472\u0665")  # fmt: skip
LONG = "a" * 64
EMAILS = ("ana@gmail.com", "ana@loja.com.br", "ana@mailinator.com", "gmail.com", "a@", "ana@x.y",
          f"{LONG}@gmail.com", f"{4 * LONG}@gmail.com", "ana@gmail.com\n", "ana.@gmail.com",
          "a@b@gmail.com", "ana@ma\u00e7a.com", "@gmail.com", "Ana@gmail.com", "")  # fmt: skip
VALUES = {
    "phone": st.sampled_from(PHONES) | st.from_regex(r"\+55[0-9]{10,11}", fullmatch=True),
    "zip_code": st.sampled_from(ZIP_CODES) | st.from_regex(r"[0-9]{4,9}", fullmatch=True),
    "document": st.sampled_from(DOCUMENTS) | st.from_regex(r"[0-9]{11}", fullmatch=True),
    "email": st.sampled_from(EMAILS)
    | st.from_regex(r"[a-z0-9_+.-]{1,70}@(gmail\.com|loja\.com\.br|[a-z.-]{1,8})", fullmatch=True),
}
# Made once: hypothesis looks through a new strategy whenever it draws from one.
CELLS = {name: st.none() | VALUES.get(name, st.sampled_from(("a", "b"))) for name in SINGLE_VALUED}
PRODUCTS = st.none() | st.lists(st.sampled_from(("p", "q", "r")), max_size=4)


@st.composite
def order_rows(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Orders of two merchants with values of every sort, as PostgreSQL has them."""
    return [
        {
            "order_pk": number,
            "merchant_id": draw(st.sampled_from((1, 2))),
            "order_id": f"o{number}",
            "event_us": number,
            "recorded_key": number,
            "amount_cents": draw(st.integers(0, 10**12)),
            **{name: draw(cells) for name, cells in CELLS.items()},
            "product": draw(PRODUCTS),
        }
        for number in range(draw(st.integers(0, 8)))
    ]


def keyed(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return shuffle.keyed(pa.Table.from_pylist(rows, shuffle.ORDER_ROWS), KEYS).to_pylist()


def order_of(row: dict[str, Any]) -> Order:
    values = {name: row.get(name) for name in SINGLE_VALUED}
    products = tuple(dict.fromkeys(row.get("product") or ()))
    return Order(order_id="o", amount_cents=row["amount_cents"], product=products, **values)


def one_by_one(row: dict[str, Any]) -> dict[str, int | None]:
    """The features of values as a request computes them for this one order."""
    context = OrderContext(order_of(row), CALENDAR.local(0), None)
    values = dict(zip(ORDER_FEATURES, order_feature_values(context), strict=True))
    return {name: values[name] for name in VALUE_FEATURES}


@given(rows=order_rows())
@settings(max_examples=300, deadline=None)
def test_the_features_of_a_column_are_those_of_each_order(rows: list[dict[str, Any]]) -> None:
    found = [{name: row[name] for name in VALUE_FEATURES} for row in keyed(rows)]

    assert found == [one_by_one(row) for row in rows]


@given(rows=order_rows())
@settings(max_examples=100, deadline=None)
def test_each_value_becomes_its_key_and_the_rest_stays(rows: list[dict[str, Any]]) -> None:
    for row, found in zip(rows, keyed(rows), strict=True):
        merchant_id = row["merchant_id"]
        for name in SINGLE_VALUED:
            value = row[name]
            key = None if value is None else KEYS.key(merchant_id, name, value)
            assert found[name] == key
        products = dict.fromkeys(row["product"] or ())
        assert found["product"] == [KEYS.key(merchant_id, "product", p) for p in products]
        assert found[MERCHANT] == KEYS.key(merchant_id, MERCHANT, "")
        same = [n for n in shuffle.ORDER_ROWS.names if n not in IDENTIFIERS]
        assert {name: found[name] for name in same} == {name: row.get(name) for name in same}


def test_keyed_rows_have_no_value_of_an_identifier_and_pass_other_columns_on() -> None:
    secrets = {name: f"raw value of {name}" for name in SINGLE_VALUED}
    row = {"order_pk": 1, "merchant_id": 1, "order_id": "o", "event_us": 1, "recorded_key": 1,
           "amount_cents": 1, **secrets, "product": ["raw value of product"]}  # fmt: skip
    batch = pa.Table.from_pylist([row, row], shuffle.ORDER_ROWS)

    table = shuffle.keyed(batch.append_column("stale_days", pa.array([0, 1])), KEYS)

    assert table.column_names == [*shuffle.KEYED_ROWS.names, "stale_days"]
    assert table.drop_columns(["stale_days"]).schema.equals(shuffle.KEYED_ROWS)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    assert b"raw value" not in sink.getvalue().to_pybytes()


@pytest.mark.parametrize("rows", [[], [{"order_pk": 1, "merchant_id": 1, "order_id": "o"}]])
def test_a_batch_without_any_value_is_keyed(rows: list[dict[str, Any]]) -> None:
    found = keyed(rows)

    assert len(found) == len(rows)
    assert all(row[name] is None for row in found for name in SINGLE_VALUED)
    assert all(row[Identifier.PRODUCT] == [] for row in found)


SOME: dict[str, Any] = {"merchant_id": 1, "order_id": "o", "amount_cents": 1}
MIXED = [
    SOME | {"phone": "+5511987654321", "zip_code": "22041001", "product": ["p", "p"]},
    SOME | {"phone": "+5521987654321", "zip_code": "22041001", "product": ["p", "q"]},
    SOME | {"phone": "+5521987654321", "zip_code": "2204é001"},
    SOME | {"document": "52998224725", "phone": "+5523987654321", "zip_code": "0131010"},
    SOME | {"document": "1" * 11, "email": f"{4 * LONG}@gmail.com"},
    SOME | {"document": "52998224733", "email": "ana@gmail.com"},
    SOME | {"document": "52998224724", "email": "ana@mailinator.com"},
]
VALUE = "features_pkg.shuffle.value_features:"
STAND_INS = "features_pkg.shuffle.stand_ins:"
MISTAKES = {
    "too few characters are read": Mistake(
        VALUE + "_different", "part.characters)", "part.characters - 1)",
    ),
    "null is the value that comes first": Mistake(
        VALUE + "_different", "batch[part.identifier].combine_chunks()",
        "pc.fill_null(batch[part.identifier].combine_chunks(), '52998224725')",
    ),
    "eleven times the same digit are a CPF": Mistake(
        STAND_INS + "_documents", "right & (digits.min(axis=1) < digits.max(axis=1))", "right",
    ),
    "the first check digit is not looked at": Mistake(
        STAND_INS + "_documents", "(digits[:, 9] == first) & ", "",
    ),
    "the second check digit is not looked at": Mistake(
        STAND_INS + "_documents", " & (digits[:, 10] == second)", "",
    ),
    "a mobile number need not be assigned": Mistake(
        STAND_INS + "_phones", "is_mobile & _matches", "is_mobile | _matches",
    ),
    "a pattern may match a part": Mistake(STAND_INS + "_matches", "{pattern})$", "{pattern})"),
    "a local part may be long": Mistake(STAND_INS + "_emails", "LONGEST_LOCAL_PART", "999"),
    "all mailboxes have one domain": Mistake(STAND_INS + "_emails", r"a@\1", "a@gmail.com"),
    "all CEPs are of one region": Mistake(STAND_INS + "_regions", r"\10000", "10000"),
    "a product named twice is two": Mistake(
        "features_pkg.shuffle.keyed:_entity_keys",
        "row, pair, _ = coded_pairs(row, pair)", "",
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_about_columns_is_caught(mistake: Mistake) -> None:
    def right() -> bool:
        found = [{name: row[name] for name in VALUE_FEATURES} for row in keyed(MIXED)]
        return found == [one_by_one(row) for row in MIXED]

    assert right()
    with broken(mistake):
        assert not right()
