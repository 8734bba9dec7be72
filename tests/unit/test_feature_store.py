"""The parts of the feature store that read no store: formulas, groups, tables, lazy imports."""

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

import ontem
from features_pkg.definitions.derived import parse_feature
from features_pkg.definitions.feature_set import FeatureSet
from features_pkg.definitions.velocity import parse_name
from features_pkg.errors import DefinitionError
from ontem.feature_store.costs import costs_of
from ontem.feature_store.errors import FeatureUnknown, KindUnknown, LibraryMissing
from ontem.feature_store.features import definition_of, feature_set_of, group_of, window_text
from ontem.feature_store.figures import Figure
from ontem.feature_store.groups import NOT_YET, Loads, groups_of
from ontem.feature_store.sent_orders import canonical_value, read_orders
from ontem.feature_store.shown import html_table, text_table
from ontem.feature_store.tables import as_kind
from ontem.feature_store.usage import usage_of
from stores.postgres.loads import LoadRow
from stores.redis.load_list import Load
from tests.unit.stores_nowhere import KEY, STORES_NOWHERE

FEATURES = FeatureSet("America/Sao_Paulo", timedelta(hours=4))
MONDAY = date(2018, 5, 21)


@pytest.mark.parametrize(
    ("name", "window"),
    [
        ("card_orders_7d_distant", "7d"),
        ("card_orders_30d_delay_7d_distant", "30d_delay_7d"),
        ("card_orders_since_cutoff_recent", "since_cutoff"),
        ("card_first_order_age_seconds", None),
        ("local_hour", None),
        ("card_chargeback_share_30d_distant", "30d"),
        ("card_orders_1h_recent_per_card_orders_30d_distant", None),
    ],
)
def test_the_window_of_a_feature(name: str, window: str | None) -> None:
    assert window_text(parse_feature(name)) == window


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("card_orders_7d_distant", ("card", "distant")),
        ("card_orders_since_cutoff_recent", ("card", "recent")),
        ("card_last_order_age_seconds", ("card", "distant and recent")),
        ("merchant_history_days", ("order", "order")),
        ("card_chargeback_share_30d_distant", ("card", "distant")),
        ("card_orders_1h_recent_per_card_orders_30d_distant", ("card", "distant and recent")),
        ("card_orders_7d_distant_minus_user_orders_7d_distant", ("card and user", "distant")),
    ],
)
def test_the_group_of_a_feature(name: str, group: tuple[str, str]) -> None:
    assert group_of(parse_feature(name)) == group


def test_every_feature_of_the_catalogue_is_found_by_its_name() -> None:
    for name in FEATURES.names:
        feature = definition_of(FEATURES, name)
        assert costs_of(FEATURES, feature, None).own_bytes.reason


def test_a_feature_set_has_what_was_named_in_that_order() -> None:
    names = ["card_orders_1h_recent", "local_hour", "card_orders_30d_distant"]
    burst = "card_orders_1h_recent_per_card_orders_30d_distant"
    features = feature_set_of(STORES_NOWHERE, [*names, burst])

    assert features.names == (names[0], names[2], *FEATURES.order_features, burst)
    assert feature_set_of(STORES_NOWHERE, None) == FEATURES
    for wrong, reason in (
        ("card_orders_1h_recent", "give a list"),
        (["card_orders"], "no definition has this name"),
        ([burst], "which the feature set does not have"),
        ([names[0], names[0]], "appears twice"),
        (["card_orders_36h_recent"], "at most 24h"),
    ):
        with pytest.raises(DefinitionError, match=reason):
            feature_set_of(STORES_NOWHERE, wrong)


def test_a_store_with_further_features_has_each_once() -> None:
    store = ontem.FeatureStore(STORES_NOWHERE)
    more = store.with_features(["card_orders_14d_distant", "card_orders_7d_distant", "local_hour"])

    assert set(more.names) - set(store.names) == {"card_orders_14d_distant"}
    assert more.timelines == store.timelines
    assert more.with_features([]).version == more.version != store.version


def a_load(as_of: date, published_at: datetime | None) -> LoadRow:
    return LoadRow(
        as_of=as_of,
        cutoff=datetime(as_of.year, as_of.month, as_of.day, 3, tzinfo=UTC),
        watermark=1,
        generation=1,
        timelines=FEATURES.timelines_id,
        entity_key_id="0" * 12,
        revision="a revision",
        snapshot_id=1,
        metadata_location="",
        entities=1,
        checksum="",
        load_id=as_of.toordinal(),
        created_at=datetime(2018, 5, 21, tzinfo=UTC),
        published_at=published_at,
    )


def test_without_a_load_groups_say_what_to_run() -> None:
    loads = Loads(published=[], read=None, row=None, run=None, due=MONDAY)
    card = groups_of(FEATURES, loads)["card", "distant"]

    assert (card.owner, card.freshness.reason) == ("nobody yet", NOT_YET)
    assert card.cadence_days == Figure(None, "not known from no load")
    assert card.freshness.stale_days is None


def test_a_load_without_a_record_has_no_owner_and_no_time() -> None:
    saturday = MONDAY - timedelta(days=2)
    rows = [a_load(MONDAY - timedelta(days=n), None) for n in (8, 5, 2)]
    read = Load(7, saturday.toordinal(), 0, 1, "", 1)
    loads = Loads(published=rows, read=read, row=None, run=None, due=MONDAY)
    card = groups_of(FEATURES, loads)["card", "distant"]

    assert card.owner == "not known: no run on record made load 7"
    assert card.cadence_days == Figure(3.0, "every 3 days, by the last 3 loads")
    assert card.freshness.reason == (
        "as of 2018-05-19, published at a time not on record as load 7, "
        "2 days older than the due one"
    )


def test_what_no_model_uses_is_not_served() -> None:
    usage = usage_of("card_orders_7d_distant", [])

    assert (usage.models, usage.served_since, usage.reason) == ((), None, "no model uses it")


def test_tables_of_notebooks_show_no_html_of_others() -> None:
    assert "<b>" not in html_table("<b>", ["<b>"], [["<b>"]])
    assert text_table("t", ["a", "b"], [["long", "x"]]) == "t\na     b\nlong  x"


def test_a_library_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    table = pa.table({"a": [1, None]})
    monkeypatch.setitem(sys.modules, "polars", None)

    with pytest.raises(LibraryMissing, match="pip install polars"):
        as_kind(table, "polars")
    with pytest.raises(KindUnknown):
        as_kind(table, "csv")
    assert str(as_kind(table, "pandas")["a"].dtype) == "Int64"


def test_an_entity_has_an_id_that_no_order_has_and_no_amount() -> None:
    ((no_id, first), (_, second)) = read_orders([{"card": "tok_1"}, {"card": "tok_1"}], KEY)

    assert no_id is first.amount_cents is None
    assert first.order_id != second.order_id
    assert replace(first, order_id="") == replace(second, order_id="")


def test_products_of_a_list_are_those_of_items() -> None:
    fields: dict[str, Any] = {"order_id": "a", "amount_cents": 1}
    items = [{"product": each, "quantity": 1, "amount_cents": 0} for each in ("tv", "radio")]

    ((_, listed),) = read_orders(fields | {"product": ["tv", None, "radio"]}, KEY)
    ((_, itemised),) = read_orders(fields | {"items": items}, KEY)
    assert listed == itemised
    assert listed.product == ("tv", "radio")


def test_a_card_number_is_the_same_entity_in_a_key_and_in_an_order() -> None:
    ((_, order),) = read_orders({"card": "4111 1111 1111 1111"}, KEY)

    assert canonical_value("card", "4111111111111111", KEY) == order.card
    assert "4111" not in str(order.card)


def test_a_name_that_is_none_names_those_that_are_like_it() -> None:
    refused = FeatureUnknown(name="card_order_7d_distant", known=FEATURES.names)

    assert refused.nearest[0] == "card_orders_7d_distant"
    assert "the nearest are card_orders_7d_distant, " in str(refused)


def test_importing_the_package_imports_no_table_library() -> None:
    code = (
        "import sys, ontem; print([m for m in ('pyarrow', 'psycopg', 'flask') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )

    assert done.stdout.strip() == "[]"
    assert parse_name("card_orders_7d_distant").name in ontem.FeatureStore(STORES_NOWHERE).names
    with pytest.raises(AttributeError, match="Features"):
        _ = ontem.Features
