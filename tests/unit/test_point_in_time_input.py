"""Which tables `features_pkg.point_in_time` takes, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from features_pkg import CATALOGUE, Velocity, parse_name, point_in_time
from features_pkg.definitions.catalogue import DERIVED_CATALOGUE
from features_pkg.errors import DefinitionError
from tests.unit.three_orders import (
    CARD,
    CHARGED,
    HOUR,
    MANY,
    NOON,
    PRODUCT,
    answers_of,
    columns,
    values,
)

AS_TABLE: dict[str, Callable[[pa.Table], Any]] = {
    "arrow": lambda table: table,
    "arrow in chunks": lambda table: pa.concat_tables([table.slice(0, 2), table.slice(2)]),
    "arrow batch": lambda table: table.combine_chunks().to_batches()[0],
    "pandas": lambda table: table.to_pandas(),
    "pandas with objects": lambda table: table.to_pandas().astype(object),
    "pandas with Arrow types": lambda table: table.to_pandas(types_mapper=pd.ArrowDtype),
    "pandas, filtered": lambda table: pd.concat([table.to_pandas()] * 2).iloc[3:],
    "polars": pl.from_arrow,
}


@pytest.mark.parametrize("as_table", AS_TABLE.values(), ids=AS_TABLE)
def test_pandas_polars_and_arrow_tables_give_the_same_answer(
    as_table: Callable[[pa.Table], Any],
) -> None:
    found = point_in_time(as_table(MANY))

    assert found.to_pylist() == point_in_time(MANY).to_pylist()
    assert found[CARD].to_pylist() == [2, 0, 1]


def test_the_answer_has_the_order_of_the_input_and_of_the_features() -> None:
    table = MANY.take([2, 0, 1])

    found = point_in_time(table, ["card_orders_1h_recent", "merchant_history_days", CARD])

    assert found.column_names == [
        "order_id", "card_orders_1h_recent", "merchant_history_days", CARD,
    ]  # fmt: skip
    assert found["order_id"].to_pylist() == ["c", "a", "b"]
    assert found[CARD].to_pylist() == [1, 2, 0]


EVERY_NAME = [each.name for each in (*CATALOGUE, *DERIVED_CATALOGUE)]


def test_every_velocity_is_int64_and_what_is_derived_float64() -> None:
    found = point_in_time(MANY)

    assert found.column_names == ["order_id", *EVERY_NAME]
    assert {found[velocity.name].type for velocity in CATALOGUE} == {pa.int64()}
    assert {found[derived.name].type for derived in DERIVED_CATALOGUE} == {pa.float64()}


@pytest.mark.parametrize("velocity", CATALOGUE, ids=lambda velocity: velocity.name)
def test_a_catalogue_name_reads_back_into_its_definition(velocity: Velocity) -> None:
    assert parse_name(velocity.name) == velocity


@pytest.mark.parametrize("name", ["amount_cents", "different_products", "merchant_history_days"])
def test_amounts_and_counts_of_the_order_itself_can_be_asked_for(name: str) -> None:
    products = [["p", "p", "q"], [], None]
    table = pa.table(columns()).append_column("product", pa.array(products, pa.list_(pa.string())))
    expected = {"amount_cents": columns()["amount_cents"], "different_products": [2, 0, 0]}

    assert values(table, name) == expected.get(name, [0, 0, 0])


def test_what_a_derived_feature_reads_need_not_be_asked_for() -> None:
    found = point_in_time(MANY, ["amount_cents_per_merchant_history_days", CARD])

    assert found.column_names == ["order_id", "amount_cents_per_merchant_history_days", CARD]
    assert found["amount_cents_per_merchant_history_days"].null_count == MANY.num_rows


def test_other_features_of_the_order_are_not_computed_in_a_notebook() -> None:
    with pytest.raises(DefinitionError, match="'local_hour': is computed in requests and training"):
        point_in_time(MANY, ["local_hour"])


def test_features_may_be_definitions() -> None:
    definition = Velocity("card", "order", "24h", "recent")

    assert point_in_time(MANY, [definition]).equals(point_in_time(MANY, [CARD]))


def test_an_identifier_that_the_table_lacks_is_null() -> None:
    table = pa.table(columns())

    assert values(table, "ip_orders_24h_recent") == [None, None, None]
    assert values(table, "ip_first_order_age_seconds") == [None, None, None]
    assert values(table, "card_distinct_ip_orders_24h_recent") == [0, 0, 0]


def test_other_columns_are_ignored() -> None:
    assert answers_of(created_at=[datetime(2018, 1, 1)] * 3, ip=[{"v": 4}] * 3) == [0, 1, 2]  # noqa: DTZ001


CATEGORICAL_LISTS = pl.Series([["p"], ["p", "q"], []], dtype=pl.List(pl.Categorical)).to_arrow()


@pytest.mark.parametrize(
    ("products", "expected"),
    [
        (["p", "p", None], [0, 1, None]),
        ([["p"], ["q", "p"], []], [0, 1, None]),
        ([["p", "p"], ["p", None], None], [0, 1, None]),
        (pa.array([["p", "q"], None, ["r", "q"]], pa.list_(pa.string(), 2)), [0, None, 1]),
        (pa.array([["p", "q"], None, ["r", "q"]], pa.list_view(pa.string())), [0, None, 1]),
        (pa.array([["r"], ["p"], ["p"], ["p"]])[1:], [0, 1, 2]),
        (CATEGORICAL_LISTS, [0, 1, None]),
    ],
    ids=["scalars", "lists", "repeated", "fixed size", "views", "a slice", "categorical"],
)
def test_products_are_scalars_or_lists(products: Any, expected: list[object]) -> None:
    assert answers_of(PRODUCT, product=products) == expected


def test_pandas_takes_products_as_any_sequence() -> None:
    cells = [("p",), np.array(["q", "p"]), None]

    assert values(pd.DataFrame(columns(product=cells)), PRODUCT) == [0, 1, None]


@pytest.mark.parametrize(
    "cards",
    [
        pa.array(["x", "x", None]).dictionary_encode(),
        pa.DictionaryArray.from_arrays([0, 0, 1], pa.array(["x", None])),
        pa.DictionaryArray.from_arrays([0, 0, None], pa.array(["x"], pa.string_view())),
        pa.array(["x", "x", None], pa.string_view()),
        pa.array([b"x", b"x", None], pa.binary_view()),
        pa.array([7, 7, None], pa.int32()),
        pa.array([7.0, 7.0, float("nan")]),
        pa.array([Decimal(7), Decimal(7), None]),
        pl.Series(["x", "x", None], dtype=pl.Categorical).to_arrow(),
        pl.Series(["x", "x", None], dtype=pl.Enum(["x"])).to_arrow(),
    ],
    ids=lambda array: str(array.type)[:40],
)
def test_identifiers_are_of_any_plain_type(cards: pa.Array) -> None:
    assert answers_of(card=cards) == [0, 1, None]


@pytest.mark.parametrize(
    "cards",
    [
        pd.Series(["x", "x", np.nan]),
        pd.Series(["x", "x", None], dtype="string"),
        pd.Series(["x", "x", None], dtype="category"),
        pd.Series([7, 7, np.nan]),
        pd.Series([7, 7, None], dtype="Int64"),
        pd.Series(["x", "x", pd.NA], dtype=object),
    ],
    ids=lambda series: str(series.dtype),
)
def test_what_pandas_has_for_missing_is_null(cards: pd.Series[Any]) -> None:
    assert values(pd.DataFrame(columns(card=cards))) == [0, 1, None]


def test_ids_may_be_numbers_and_come_back_as_they_were() -> None:
    table = pa.table(columns(order_id=[3, 1, 2], merchant_id=[1, 1, 2]))

    found = point_in_time(table, [CARD])

    assert found.to_pydict() == {"order_id": [3, 1, 2], CARD: [0, 1, 0]}


def test_merchants_never_mix() -> None:
    assert answers_of(merchant_id=["m", "n", "m"]) == [0, 0, 1]
    distinct = "card_distinct_ip_orders_24h_recent"
    assert answers_of(distinct, merchant_id=["m", "n", "m"], ip=["i"] * 3) == [0, 0, 1]


def test_the_same_order_id_at_two_merchants_is_two_orders() -> None:
    assert answers_of(order_id=["a", "a", "b"], merchant_id=["m", "n", "m"]) == [0, 0, 1]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_instants_are_of_any_unit(unit: str) -> None:
    at = pa.array(columns()["event_at"]).cast(pa.timestamp(unit, "America/Sao_Paulo"))

    assert answers_of("card_last_order_age_seconds", event_at=at) == [None, 3600, 3600]


def test_nanoseconds_are_cut_off_to_microseconds() -> None:
    at = pa.array([1_000_000_000_000_000_999, 1_000_000_000_000_000_000, 1_000_000_000_000_001_000])

    assert answers_of(event_at=at.cast(pa.timestamp("ns", "UTC"))) == [0, 0, 2]


def test_instants_before_1970_are_instants() -> None:
    at = pa.array([-1, -1_001, 0]).cast(pa.timestamp("ns", "UTC"))

    assert answers_of("card_orders_1s_recent", event_at=at) == [1, 0, 2]


def test_objects_of_several_zones_are_one_time_line() -> None:
    recife = timezone(timedelta(hours=-3))
    at = pd.Series([NOON, (NOON + HOUR).astimezone(recife), NOON + 2 * HOUR], dtype=object)

    assert values(pd.DataFrame(columns(event_at=at)), "card_orders_1h_recent") == [0, 1, 1]


@pytest.mark.parametrize("table", [pa.table(columns()).slice(0, 0), pl.DataFrame(columns())[:0]])
def test_an_empty_table_has_an_empty_answer(table: Any) -> None:
    found = point_in_time(table)

    assert found.num_rows == 0
    assert found.column_names == ["order_id", *EVERY_NAME]


@pytest.mark.parametrize("typeless", [pa.null(), pa.float64()], ids=str)
def test_columns_without_rows_may_be_of_any_type(typeless: pa.DataType) -> None:
    table = pa.table({name: pa.array([], typeless) for name in columns()})

    assert point_in_time(table).num_rows == 0


@pytest.mark.parametrize(
    "never",
    [[None] * 3, [pd.NaT] * 3, pd.Series([None, np.nan, pd.NaT], dtype=object), pa.nulls(3)],
    ids=["None", "NaT", "objects", "Arrow null"],
)
def test_a_column_without_chargebacks_needs_no_time_zone(never: Any) -> None:
    assert values(pd.DataFrame(columns(chargeback_at=never)), CHARGED) == [0, 0, 0]
