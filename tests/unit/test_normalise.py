"""What each normaliser makes of what people and systems write."""

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import features_pkg
from features_pkg.errors import OrdersRefused
from features_pkg.identifiers import IDENTIFIERS
from features_pkg.orders.fields.order import read_order
from features_pkg.orders.normalising import (
    NORMALISERS_VERSION,
    is_valid,
    normalise_value,
)
from features_pkg.orders.order import Item, Order, content_hash

GOLDEN = json.loads((Path(__file__).parent / "golden" / "normalisers.json").read_text("utf-8"))
CASES = [(name, *case) for name, cases in GOLDEN["values"].items() for case in cases]
NOON = datetime(2018, 6, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(("name", "raw", "canonical", "valid"), CASES)
def test_a_value_is_written_as_it_was_decided(
    name: str, raw: str, canonical: str | None, *, valid: bool | None
) -> None:
    value = normalise_value(name, raw)

    assert value == canonical
    assert (None if value is None else is_valid(name, value)) == valid


def test_a_change_of_what_values_mean_is_a_new_version() -> None:
    """Add cases to the golden file freely; change one only together with the version."""
    assert GOLDEN["version"] == NORMALISERS_VERSION


@pytest.mark.parametrize("name", IDENTIFIERS)
@pytest.mark.parametrize(
    "raw", ["", "  ", "null", "None", "UNKNOWN", " n/a ", "undefined", "-", "NaN"]
)
def test_a_placeholder_is_no_value_of_any_identifier(name: str, raw: str) -> None:
    assert normalise_value(name, raw) is None


def test_invalid_values_that_differ_stay_apart() -> None:
    documents = ["490-56-4431", "490564431", "490-56-4432", "AB123456", "ab123456", "12345678900"]

    assert len({normalise_value("document", document) for document in documents}) == len(documents)


@pytest.mark.parametrize("make", [lambda t: t, pl.from_arrow, lambda t: t.to_pandas()])
def test_tables_of_any_kind_are_normalised_alike(make) -> None:
    table = pa.table(
        {
            "order_id": ["a", "b", "c"],
            "document": ["529.982.247-25", None, "null"],
            "user": [1, 2, 3],
            "product": [["a ", "a", None], None, ["b"]],
            "amount_cents": [1, 2, 3],
        }
    )

    assert features_pkg.normalise(make(table)).to_pydict() == {
        "order_id": ["a", "b", "c"],
        "document": ["52998224725", None, None],
        "user": ["1", "2", "3"],
        "product": [["a"], [], ["b"]],
        "amount_cents": [1, 2, 3],
    }


def test_one_product_per_order_may_be_a_plain_column() -> None:
    table = pa.table({"product": [" x", None, "null"]})

    assert features_pkg.normalise(table)["product"].to_pylist() == [["x"], [], []]


def test_an_empty_table_keeps_its_columns_and_their_types() -> None:
    table = features_pkg.normalise(pa.table({"card": pa.array([], pa.string()), "product": []}))

    assert table.schema.field("card").type == pa.string()
    assert table.schema.field("product").type == pa.list_(pa.string())


def test_normalising_a_table_twice_is_normalising_it_once() -> None:
    once = features_pkg.normalise(pd.DataFrame({"ip": ["::1", "x"], "product": ["a", None]}))

    assert features_pkg.normalise(once).equals(once)


def test_a_column_that_has_no_text_is_named() -> None:
    with pytest.raises(OrdersRefused, match="device"):
        features_pkg.normalise(pa.table({"device": [{"a": 1}]}))


def test_one_order_and_a_table_of_it_agree() -> None:
    raw = {name: cases[0][0] for name, cases in GOLDEN["values"].items()}
    order = read_order("o", 1, raw, products=[raw["product"]])
    table = features_pkg.normalise(pa.table({name: [value] for name, value in raw.items()}))

    for name in raw:
        value = table[name].to_pylist()[0]
        assert getattr(order, name) == (tuple(value) if name == "product" else value)


def test_the_products_of_items_are_products_of_the_order() -> None:
    items = [{"product": name, "quantity": 1, "amount_cents": 5} for name in (" b ", "a", "null")]

    order = read_order("o", 15, {}, products=["c", "a"], items=items)

    assert order.product == ("c", "a", "b")
    assert order.items == (Item("b", 1, 5), Item("a", 1, 5), Item(None, 1, 5))


A_VARIATION = [
    {"order_id": "p"}, {"amount_cents": 2}, {"user": "a"}, {"document": "a"}, {"email": "a"},
    {"phone": "a"}, {"zip_code": "a"}, {"device": "a"}, {"ip": "a"}, {"card": "a"},
    {"seller": "a"},
    {"product": ("a",)}, {"product": ("b", "a")}, {"product": ("a,b",)},
    {"placed_at": NOON}, {"placed_at": NOON + timedelta(microseconds=1)},
    {"items": (Item("a", 1, 1),)}, {"items": (Item("a", 2, 1),)}, {"items": (Item(None, 1, 1),)},
]  # fmt: skip


def test_orders_that_differ_in_any_field_have_different_content() -> None:
    plain = {"order_id": "o", "amount_cents": 1}
    hashes = {content_hash(Order(**{**plain, **other})) for other in [{}, *A_VARIATION]}

    assert len(hashes) == len(A_VARIATION) + 1
    assert {len(digest) for digest in hashes} == {32}


def test_the_same_instant_in_another_zone_is_the_same_content() -> None:
    there = NOON.astimezone(timezone(timedelta(hours=-3)))

    assert content_hash(Order(order_id="o", amount_cents=1, placed_at=NOON)) == content_hash(
        Order(order_id="o", amount_cents=1, placed_at=there)
    )


def test_content_is_hashed_as_it_always_was() -> None:
    """Stored orders carry it: another hash would make every repeated order a contradiction."""
    order = Order(order_id="o", amount_cents=1, user="ã", product=("a",), placed_at=NOON)

    assert content_hash(order).hex() == GOLDEN["content_hash"]
