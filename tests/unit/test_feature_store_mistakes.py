"""Mistakes of who uses the feature store for the first time: each is a sentence."""

from datetime import date, datetime, timedelta, timezone
from typing import Any

import pyarrow as pa
import pytest

import features_pkg
from features_pkg.errors import DefinitionError, OrdersRefused
from ontem.feature_store.day_snapshot import check_keys
from ontem.feature_store.errors import (
    ClockRefused,
    ColumnTwice,
    CountRefused,
    DayRefused,
    EntityRefused,
    KeyRefused,
)
from ontem.feature_store.sent_orders import canonical_value
from ontem.feature_store.store import FeatureStore
from ontem.feature_store.tables import check_count, chosen
from ontem.feature_store.words import NameUnknown, NothingFound
from ontem.lab.candidates import read_candidates
from tests.unit.stores_nowhere import KEY, STORES_NOWHERE


@pytest.mark.parametrize(
    "clock", ["2018-05-20", date(2018, 5, 20), datetime.fromisoformat("2018-05-20")]
)
def test_a_clock_without_a_time_zone_is_refused_at_once(clock: Any) -> None:
    with pytest.raises(ClockRefused, match="is not an instant with a time zone: write one"):
        FeatureStore(STORES_NOWHERE, clock=clock)


@pytest.mark.parametrize(
    "text",
    [
        "0001-01-01T00:00:00+05:00",
        "1969-12-31T23:59:59+00:00",
        "2200-01-01T00:00:00+00:00",
        "9999-12-31T23:59:59-05:00",
    ],
)
def test_a_clock_and_a_day_are_of_years_that_orders_can_have(text: str) -> None:
    clock = datetime.fromisoformat(text)
    store = FeatureStore(STORES_NOWHERE)

    with pytest.raises(ClockRefused, match=r"the clock .* is before 1970 or after 2199: write one"):
        FeatureStore(STORES_NOWHERE, clock=clock)
    for day in (clock.date(), clock, clock.date().isoformat()):
        shown = f"{clock.date()} is before 1970 or after 2199: write a day like 2018-06-01"
        with pytest.raises(DayRefused, match=shown):
            store.snapshot(day)


@pytest.mark.parametrize("clock", ["0001-01-01T00:00+05:00", "9999-12-31T23:59:59-05:00"])
@pytest.mark.parametrize("column", ["event_at", "chargeback_at"])
def test_an_order_of_an_impossible_year_is_named(clock: str, column: str) -> None:
    instants = ["2026-03-01T12:00Z", "2026-03-02T12:00Z"]
    table = pa.table({"order_id": ["a", "b"], "merchant_id": ["shop"] * 2, "card": ["c"] * 2,
                      "event_at": instants, "chargeback_at": [None, None]})  # fmt: skip
    wrong = pa.array([instants[0], clock])
    table = table.set_column(table.column_names.index(column), column, wrong)
    told = f"row 1, column '{column}': is before 1900 or after 2199: correct it, or leave its order"

    with pytest.raises(OrdersRefused, match=told):
        FeatureStore(STORES_NOWHERE).point_in_time(table, ["card_chargebacks_7d_distant"])


def test_a_name_that_means_nothing_is_told_with_the_nearest_ones() -> None:
    store, name = FeatureStore(STORES_NOWHERE), "card_ordres_7d_distant"
    told = rf"there is no feature '{name}' \(no definition has this name\): the nearest names are "

    for ask in (
        lambda: store.with_features([name]),
        lambda: FeatureStore(STORES_NOWHERE, features=[name]),
        lambda: read_candidates(name),
    ):
        with pytest.raises(NameUnknown, match=told + "card_orders_7d_distant, ") as refused:
            ask()
        assert isinstance(refused.value, DefinitionError)
        assert refused.value.nearest[0] == "card_orders_7d_distant"


def test_what_is_no_name_is_no_feature() -> None:
    wrong: Any = [3]
    with pytest.raises(DefinitionError, match="feature 3: is neither a definition nor a name"):
        FeatureStore(STORES_NOWHERE).with_features(wrong)


def test_a_clock_of_any_zone_is_one() -> None:
    west = timezone(timedelta(hours=-3))
    FeatureStore(STORES_NOWHERE, clock=datetime(2018, 5, 20, 12, tzinfo=west))


@pytest.mark.parametrize("features", [3, 1.5])
def test_features_are_a_list(features: Any) -> None:
    told = "is not a list of definitions or names"
    with pytest.raises(DefinitionError, match=told):
        FeatureStore(STORES_NOWHERE, features=features)
    with pytest.raises(DefinitionError, match=told):
        features_pkg.point_in_time(pa.table({}), features)


@pytest.mark.parametrize("count", [0, -1, 1.5, "x", None])
def test_a_number_of_hits_or_rows_is_whole(count: Any) -> None:
    with pytest.raises(CountRefused, match=r"limit is .*: write a whole number from 1"):
        FeatureStore(STORES_NOWHERE).search("cep", count)
    with pytest.raises(CountRefused, match="rows is"):
        check_count("rows", count)


def test_a_column_is_asked_for_once() -> None:
    with pytest.raises(ColumnTwice, match="the column label is asked for twice"):
        chosen(["order_id", "label", "label"], ["order_id", "label"], "it")


def test_a_query_that_is_no_text_finds_nothing() -> None:
    query: Any = None
    with pytest.raises(NothingFound):
        FeatureStore(STORES_NOWHERE).search(query)


@pytest.mark.parametrize("identifier", ["card", "document"])
@pytest.mark.parametrize("value", [3, float("nan"), b"tok_1"])
def test_the_value_of_an_entity_is_a_text(identifier: str, value: Any) -> None:
    with pytest.raises(EntityRefused, match="is not a text: give a value that an order can have"):
        canonical_value(identifier, value, KEY)


@pytest.mark.parametrize("keys", [["tok_1"], [b"short"], "tok_1", [None]])
def test_the_key_of_an_entity_is_not_its_value(keys: Any) -> None:
    with pytest.raises(KeyRefused, match=r"entity 0 .* is not the key of one"):
        check_keys(keys)
