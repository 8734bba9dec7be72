"""What `features_pkg.point_in_time` refuses; the column, the row or the feature is named."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from features_pkg import Velocity, parse_name, point_in_time
from features_pkg.errors import DefinitionError, OrdersRefused, TimezoneUnknown
from tests.unit.three_orders import CARD, CENTS, CHARGED, HOUR, MANY, NOON, columns, values, without

NAIVE = datetime(2018, 6, 1)  # noqa: DTZ001
BAD_ROWS: dict[str, tuple[dict[str, Any], str, int | None, str]] = {
    "naive": ({"event_at": [NAIVE] * 3}, "event_at", 0, "naive"),
    "local text": ({"event_at": ["2018-06-01 12:00"] * 3}, "event_at", 0, "naive"),
    "text for time": ({"event_at": ["noon"] * 3}, "event_at", 0, "is not a time"),
    "dates": ({"event_at": [NAIVE.date()] * 3}, "event_at", 0, "naive"),
    "numbers for time": ({"event_at": [1, 2, 3]}, "event_at", None, "int64"),
    "no instant": ({"event_at": [NOON, None, NOON]}, "event_at", 1, "null"),
    "no instants": ({"event_at": pa.nulls(3)}, "event_at", 0, "null"),
    "year 1": (
        {"event_at": [NOON, NOON, datetime(1, 1, 1, tzinfo=UTC)]}, "event_at", 2, "before 1900",
    ),
    "year 9999": (
        {"chargeback_at": [None, datetime(9999, 12, 31, tzinfo=UTC), None]},
        "chargeback_at", 1, "after 2199",
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
    "parts of cents": ({"amount_cents": [1.0, 2.5, 3.0]}, "amount_cents", 1, "parts of a cent"),
    "finer decimals": (
        {"amount_cents": [Decimal("1.001")] * 3}, "amount_cents", 0, "parts of a cent",
    ),
    "negative amounts": ({"amount_cents": [1, 2, -3]}, "amount_cents", 2, "negative"),
    "amounts beyond int64": (
        {"amount_cents": pa.array([1, 2**63 + 1, 3], pa.uint64())}, "amount_cents", 1, "more than",
    ),
    "true amounts": ({"amount_cents": [True] * 3}, "amount_cents", None, "bool"),
    "no amount": ({"amount_cents": [1, None, 3]}, "amount_cents", 1, "is missing"),
    "records": ({"card": [{"number": 1}] * 3}, "card", None, "struct"),
    "several cards": ({"card": [["x", "y"]] * 3}, "card", None, "list"),
}  # fmt: skip


@pytest.mark.parametrize(("given", "column", "row", "sentence"), BAD_ROWS.values(), ids=BAD_ROWS)
def test_a_bad_row_is_refused_by_column_and_row(
    given: dict[str, Any], column: str, row: int | None, sentence: str
) -> None:
    with pytest.raises(OrdersRefused, match=sentence) as refused:
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

    with pytest.raises(OrdersRefused, match=f"row 2, column '{column}': is naive"):
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
    "card_orders_1٣d_distant": "window '1٣d'",
    "card_orders_1000000000s_recent": "window '1000000000s'",
    "card_orders_6h_distant": "whole days from 1d to 90d",
    "card_orders_24h_distant": "whole days from 1d to 90d",
    "card_orders_91d_distant": "whole days from 1d to 90d",
    "card_orders_since_cutoff_distant": "it is 'recent'",
    "card_distinct_ip_orders_since_cutoff_recent": "counts and amounts only",
    "card_distinct_card_orders_24h_recent": "can't be counted apart from itself",
}


@pytest.mark.parametrize(("name", "sentence"), BAD_FEATURES.items())
def test_a_feature_without_a_meaning_is_refused_by_name(name: str, sentence: str) -> None:
    with pytest.raises(DefinitionError, match=sentence) as refused:
        values(pa.table(columns()), name)

    window = name.split("_")[2] if "window" in sentence else name
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
    ("fields", "sentence"),
    [
        ({"identifier": "cpf"}, "identifier 'cpf'"),
        ({"event": "refund"}, "event 'refund'"),
        ({"window": "7"}, "window '7'"),
        ({"window": 5}, "window 5: write a whole number and a unit"),
        ({"window": ["7d"]}, r"window \['7d'\]: write a whole number and a unit"),
        ({"identifier": 5}, "identifier 5: is not one of"),
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
def test_an_impossible_definition_is_refused(fields: dict[str, Any], sentence: str) -> None:
    whole: dict[str, Any] = {"identifier": "card", "event": "order", "window": "24h"}

    with pytest.raises(DefinitionError, match=sentence):
        Velocity(**{**whole, "past": "recent", **fields})


def test_a_lag_that_is_negative_is_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        values(MANY, snapshot_lag=timedelta(hours=-1))


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "America", "../../etc/passwd", None, 3])
def test_a_time_zone_that_is_not_known_is_named(zone: Any) -> None:
    with pytest.raises(
        TimezoneUnknown, match=rf"{re.escape(repr(zone))} is not known: write an IANA"
    ):
        point_in_time(MANY, [CARD], timezone=zone)


@pytest.mark.parametrize("name", [5, None, b"card_orders_7d_distant"])
def test_a_name_is_a_text(name: Any) -> None:
    with pytest.raises(DefinitionError, match="is not a name"):
        parse_name(name)
