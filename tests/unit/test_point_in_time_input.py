"""What `features_pkg.notebook.point_in_time` takes, what it gives back, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from features_pkg import CATALOGUE, Velocity, parse_name, point_in_time
from features_pkg.errors import DefinitionError, OrdersRefused

NOON = datetime(2018, 6, 1, 15, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
CARD = "card_orders_24h_recent"
PRODUCT = "product_orders_24h_recent"
CENTS = "card_amount_cents_orders_24h_recent"
CHARGED = "card_chargebacks_24h_recent"


def columns(**given: Any) -> dict[str, Any]:
    """Three orders of one merchant, an hour apart, with one card; `given` replaces columns."""
    rows = {
        "order_id": ["a", "b", "c"],
        "merchant_id": ["m", "m", "m"],
        "event_at": [NOON, NOON + HOUR, NOON + 2 * HOUR],
        "card": ["c1", "c1", "c1"],
        "amount_cents": [100, 20, 3],
        "chargeback_at": pa.nulls(3, pa.timestamp("us", "UTC")),
    }
    return rows | given


def values(table: Any, feature: str = CARD, **options: Any) -> list[object]:
    return list(point_in_time(table, [feature], **options)[feature].to_pylist())


def of(feature: str = CARD, **given: Any) -> list[object]:
    return values(pa.table(columns(**given)), feature)


def without(*names: str) -> pa.Table:
    return pa.table({name: column for name, column in columns().items() if name not in names})


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
MANY = pa.table(
    columns(
        event_at=[NOON + 2 * HOUR, NOON, NOON + HOUR],
        ip=["i", None, "i"],
        product=[["p"], ["q", "p", "q"], None],
        chargeback_at=[None, NOON + HOUR, None],
    )
)


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


def test_every_feature_is_int64() -> None:
    found = point_in_time(MANY)

    assert found.column_names == ["order_id", *(velocity.name for velocity in CATALOGUE)]
    assert {found[velocity.name].type for velocity in CATALOGUE} == {pa.int64()}


@pytest.mark.parametrize("velocity", CATALOGUE, ids=lambda velocity: velocity.name)
def test_a_catalogue_name_reads_back_into_its_definition(velocity: Velocity) -> None:
    assert parse_name(velocity.name) == velocity


def test_features_may_be_definitions() -> None:
    definition = Velocity("card", "order", "24h", "recent")

    assert point_in_time(MANY, [definition]).equals(point_in_time(MANY, [CARD]))


def test_an_identifier_that_the_table_lacks_is_null() -> None:
    table = pa.table(columns())

    assert values(table, "ip_orders_24h_recent") == [None, None, None]
    assert values(table, "ip_first_order_age_seconds") == [None, None, None]
    assert values(table, "card_distinct_ip_orders_24h_recent") == [0, 0, 0]


def test_other_columns_are_ignored() -> None:
    assert of(created_at=[datetime(2018, 1, 1)] * 3, ip=[{"v": 4}] * 3) == [0, 1, 2]  # noqa: DTZ001


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
    assert of(PRODUCT, product=products) == expected


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
    assert of(card=cards) == [0, 1, None]


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
    assert of(merchant_id=["m", "n", "m"]) == [0, 0, 1]
    assert of("card_distinct_ip_orders_24h_recent", merchant_id=["m", "n", "m"], ip=["i"] * 3) == [
        0, 0, 1,
    ]  # fmt: skip


def test_the_same_order_id_at_two_merchants_is_two_orders() -> None:
    assert of(order_id=["a", "a", "b"], merchant_id=["m", "n", "m"]) == [0, 0, 1]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_instants_are_of_any_unit(unit: str) -> None:
    at = pa.array(columns()["event_at"]).cast(pa.timestamp(unit, "America/Sao_Paulo"))

    assert of("card_last_order_age_seconds", event_at=at) == [None, 3600, 3600]


def test_nanoseconds_are_cut_off_to_microseconds() -> None:
    at = pa.array([1_000_000_000_000_000_999, 1_000_000_000_000_000_000, 1_000_000_000_000_001_000])

    assert of(event_at=at.cast(pa.timestamp("ns", "UTC"))) == [0, 0, 2]


def test_instants_before_1970_are_instants() -> None:
    at = pa.array([-1, -1_001, 0]).cast(pa.timestamp("ns", "UTC"))

    assert of("card_orders_1s_recent", event_at=at) == [1, 0, 2]


def test_objects_of_several_zones_are_one_time_line() -> None:
    recife = timezone(timedelta(hours=-3))
    at = pd.Series([NOON, (NOON + HOUR).astimezone(recife), NOON + 2 * HOUR], dtype=object)

    assert values(pd.DataFrame(columns(event_at=at)), "card_orders_1h_recent") == [0, 1, 1]


@pytest.mark.parametrize(
    ("window", "expected"),
    [("3599s", 0), ("1h", 1), ("90d", 2), ("400d", 3), ("999999999d", 3), ("ever", 3)],
)
def test_a_recent_window_has_any_length(window: str, expected: int) -> None:
    table = pa.table(
        {
            "order_id": [1, 2, 3, 4],
            "merchant_id": [1] * 4,
            "event_at": [NOON, NOON - HOUR, NOON - 90 * DAY, NOON - 400 * DAY],
            "card": ["c"] * 4,
            "user": ["u", "v", "w", "x"],
        }
    )

    assert values(table, f"card_orders_{window}_recent")[0] == expected
    assert values(table, f"card_distinct_user_orders_{window}_recent")[0] == expected


@pytest.mark.parametrize(
    ("asked", "before", "days"),
    [
        # 2018-11-04 has 23 hours: from 03:00 UTC, where midnight would be, to 02:00 UTC.
        ("2018-11-05T12:00:00Z", "2018-11-04T02:59:59.999999Z", 2),
        ("2018-11-05T12:00:00Z", "2018-11-04T03:00:00.000000Z", 1),
        ("2018-11-05T12:00:00Z", "2018-11-05T01:59:59.999999Z", 1),
        # 2019-02-16 has 25 hours: from 02:00 UTC to 03:00 UTC of the next day.
        ("2019-02-17T12:00:00Z", "2019-02-16T01:59:59.999999Z", 2),
        ("2019-02-17T12:00:00Z", "2019-02-16T02:00:00.000000Z", 1),
        ("2019-02-17T12:00:00Z", "2019-02-17T02:59:59.999999Z", 1),
    ],
)
def test_days_of_23_and_25_hours_are_whole_days(asked: str, before: str, days: int) -> None:
    at = [datetime.fromisoformat(before), datetime.fromisoformat(asked)]
    table = pa.table(
        {"order_id": [1, 2], "merchant_id": [1, 1], "event_at": at, "card": ["c", "c"]}
    )

    found = {n: values(table, f"card_orders_{n}d_distant")[1] for n in (1, 2)}

    assert found == {1: int(days <= 1), 2: 1}


def test_the_lag_decides_which_day_is_distant() -> None:
    midnight = datetime(2018, 6, 2, 3, tzinfo=UTC)
    at = [midnight - HOUR, midnight + 4 * HOUR - timedelta(microseconds=1), midnight + 4 * HOUR]
    yesterday = "card_orders_1d_distant"

    assert of(yesterday, event_at=at) == [0, 0, 1]
    assert values(pa.table(columns(event_at=at)), yesterday, snapshot_lag=timedelta(0)) == [0, 1, 1]
    assert values(pa.table(columns(event_at=at)), yesterday, timezone="UTC") == [0, 0, 0]


@pytest.mark.parametrize("table", [pa.table(columns()).slice(0, 0), pl.DataFrame(columns())[:0]])
def test_an_empty_table_has_an_empty_answer(table: Any) -> None:
    found = point_in_time(table)

    assert found.num_rows == 0
    assert found.column_names == ["order_id", *(velocity.name for velocity in CATALOGUE)]


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


NAIVE = datetime(2018, 6, 1)  # noqa: DTZ001
BAD_ROWS: dict[str, tuple[dict[str, Any], str, int | None, str]] = {
    "naive": ({"event_at": [NAIVE] * 3}, "event_at", 0, "naive"),
    "text for time": ({"event_at": ["2018-06-01"] * 3}, "event_at", 0, "string"),
    "dates": ({"event_at": [NAIVE.date()] * 3}, "event_at", 0, "date32"),
    "no instant": ({"event_at": [NOON, None, NOON]}, "event_at", 1, "null"),
    "no instants": ({"event_at": pa.nulls(3)}, "event_at", 0, "null"),
    "year 1": (
        {"event_at": [NOON, NOON, datetime(1, 1, 1, tzinfo=UTC)]}, "event_at", 2, "1900 to 2199",
    ),
    "year 9999": (
        {"chargeback_at": [None, datetime(9999, 12, 31, tzinfo=UTC), None]},
        "chargeback_at", 1, "1900 to 2199",
    ),
    "naive chargeback": ({"chargeback_at": [None, NAIVE, None]}, "chargeback_at", 1, "naive"),
    "early chargeback": (
        {"chargeback_at": [None, NOON + HOUR - timedelta(microseconds=1), None]},
        "chargeback_at", 1, "before its order",
    ),
    "repeated order": ({"order_id": ["a", "b", "a"]}, "order_id", 2, "'a' appears twice"),
    "no order id": ({"order_id": ["a", None, "c"]}, "order_id", 1, "null"),
    "NaN for order id": ({"order_id": [1.0, 2.0, float("nan")]}, "order_id", 2, "null"),
    "no merchant": ({"merchant_id": [1, 1, None]}, "merchant_id", 2, "null"),
    "float amounts": ({"amount_cents": [1.0, 2.0, 3.0]}, "amount_cents", None, "double"),
    "decimal amounts": ({"amount_cents": [Decimal(1)] * 3}, "amount_cents", None, "decimal"),
    "true amounts": ({"amount_cents": [True] * 3}, "amount_cents", None, "bool"),
    "no amount": ({"amount_cents": [1, None, 3]}, "amount_cents", 1, "null"),
    "records": ({"card": [{"number": 1}] * 3}, "card", None, "struct"),
    "several cards": ({"card": [["x", "y"]] * 3}, "card", None, "list"),
}  # fmt: skip


@pytest.mark.parametrize(("given", "column", "row", "says"), BAD_ROWS.values(), ids=BAD_ROWS)
def test_a_bad_row_is_refused_by_column_and_row(
    given: dict[str, Any], column: str, row: int | None, says: str
) -> None:
    with pytest.raises(OrdersRefused, match=says) as refused:
        point_in_time(pa.table(columns(**given)), [CENTS, CHARGED])

    assert (refused.value.column, refused.value.row) == (column, row)
    assert column in str(refused.value)
    assert row is None or f"row {row}" in str(refused.value)


@pytest.mark.parametrize("features", [[CARD], []], ids=["orders only", "no features"])
def test_a_chargeback_before_its_order_is_refused_whatever_is_asked(features: list[str]) -> None:
    table = pa.table(columns(chargeback_at=[None, NOON, None]))

    with pytest.raises(OrdersRefused, match="row 1, column 'chargeback_at'"):
        point_in_time(table, features)


@pytest.mark.parametrize("column", ["event_at", "chargeback_at"])
def test_a_naive_time_among_aware_objects_is_refused_by_its_row(column: str) -> None:
    cells = [NOON, NOON + HOUR, NOON + 2 * HOUR]
    cells[2] = cells[2].replace(tzinfo=None)
    frame = pd.DataFrame(columns(**{column: pd.Series(cells, dtype=object)}))

    with pytest.raises(OrdersRefused, match=f"row 2, column '{column}': .* is naive"):
        point_in_time(frame, [CHARGED])


@pytest.mark.parametrize("cells", [["x", 7, "x"], ["x", ["x"], "x"]])
def test_a_column_of_several_types_is_refused(cells: list[object]) -> None:
    frame = pd.DataFrame(columns(card=pd.Series(cells, dtype=object)))

    with pytest.raises(OrdersRefused, match="column 'card': mixes types"):
        point_in_time(frame, [CARD])


@pytest.mark.parametrize(
    "missing", ["order_id", "merchant_id", "event_at", "amount_cents", "chargeback_at"]
)
def test_a_column_that_is_needed_is_named(missing: str) -> None:
    with pytest.raises(OrdersRefused, match=f"column '{missing}': is missing"):
        point_in_time(without(missing))


def test_amounts_and_chargebacks_may_be_left_out_where_no_feature_needs_them() -> None:
    assert values(without("amount_cents", "chargeback_at")) == [0, 1, 2]


def test_a_column_that_appears_twice_is_refused() -> None:
    table = pa.table(columns()).append_column("card", pa.array(["x", "y", "z"]))
    frame = pd.concat([pd.DataFrame(columns()), pd.DataFrame({"card": ["x", "y", "z"]})], axis=1)

    for given in (table, frame):
        with pytest.raises(OrdersRefused, match="column 'card': appears twice"):
            values(given)


@pytest.mark.parametrize("orders", [None, columns(), [columns()], "orders.parquet"])
def test_what_is_not_a_table_is_refused(orders: Any) -> None:
    with pytest.raises(TypeError, match="give a pandas, Polars or Arrow table"):
        values(orders)


BAD_FEATURES = {
    "card_order_24h_recent": "no definition has this name",
    "crad_orders_24h_recent": "no definition has this name",
    "card_orders_24h": "no definition has this name",
    "Card_orders_24h_recent": "no definition has this name",
    "card_orders_24h_recent ": "no definition has this name",
    "": "no definition has this name",
    "card_orders_24_recent": "window '24'",
    "card_orders_0h_recent": "window '0h'",
    "card_orders_07d_recent": "window '07d'",
    "card_orders_6h_distant": "whole days from 1d to 90d",
    "card_orders_24h_distant": "whole days from 1d to 90d",
    "card_orders_91d_distant": "whole days from 1d to 90d",
    "card_orders_since_cutoff_distant": "it is 'recent'",
    "card_distinct_ip_orders_since_cutoff_recent": "counts and amounts only",
    "card_distinct_card_orders_24h_recent": "can't be counted apart from itself",
}


@pytest.mark.parametrize(("name", "says"), BAD_FEATURES.items())
def test_a_feature_without_a_meaning_is_refused_by_name(name: str, says: str) -> None:
    with pytest.raises(DefinitionError, match=says) as refused:
        values(pa.table(columns()), name)

    window = name.split("_")[2] if "window" in says else name
    assert window in str(refused.value)


@pytest.mark.parametrize(
    "features",
    [[CARD, CARD], [CARD, parse_name(CARD)], ["merchant_history_days"] * 2],
    ids=["names", "a name and its definition", "days of history"],
)
def test_a_feature_that_appears_twice_is_refused(features: list[Any]) -> None:
    with pytest.raises(DefinitionError, match=r"(card_orders|merchant_history).*twice"):
        point_in_time(MANY, features)


@pytest.mark.parametrize("features", [CARD, [7], [None]])
def test_features_are_a_list_of_names_and_definitions(features: Any) -> None:
    with pytest.raises(DefinitionError, match="feature"):
        point_in_time(MANY, features)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"identifier": "cpf"}, "identifier 'cpf'"),
        ({"event": "refund"}, "event 'refund'"),
        ({"window": "7"}, "window '7'"),
        ({"past": "future"}, "past 'future'"),
        ({"measure": "median"}, "measure 'median'"),
        ({"window": None}, "needs a window"),
        ({"past": None}, "needs a window and a past"),
        ({"measure": "distinct"}, "needs a target"),
        ({"target": "ip"}, "only 'distinct' takes a target"),
        ({"measure": "distinct", "target": "card"}, "can't be counted apart from itself"),
        ({"measure": "first"}, "takes neither window nor past"),
    ],
)
def test_an_impossible_definition_is_refused(fields: dict[str, Any], says: str) -> None:
    whole: dict[str, Any] = {"identifier": "card", "event": "order", "window": "24h"}

    with pytest.raises(DefinitionError, match=says):
        Velocity(**{**whole, "past": "recent", **fields})


def test_a_lag_that_is_negative_is_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        values(MANY, snapshot_lag=timedelta(hours=-1))
