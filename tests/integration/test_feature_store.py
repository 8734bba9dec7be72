"""The feature store: it says what services, nights and training sets of one past have."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from click.testing import CliRunner
from psycopg.errors import ReadOnlySqlTransaction

from features_pkg.errors import OrdersRefused
from ontem import FeatureStore
from ontem.cli import main
from ontem.feature_store.comparing.errors import SideUnknown
from ontem.feature_store.errors import (
    ColumnUnknown,
    CountRefused,
    DayMissing,
    DayRefused,
    EntityRefused,
    FeatureUnknown,
    GroupUnknown,
    IdentifierUnknown,
    KindUnknown,
    LoadMissing,
    NotOfDay,
    OrderRefused,
    OtherTrainingSet,
    TrainingSetMissing,
)
from ontem.feature_store.online import OnlineFeatureReader
from ontem.feature_store.words import NothingFound
from service.deadline import Deadline
from stores.postgres.clock import ClockNotSettable
from stores.postgres.connection import PostgresUnavailable, connect
from stores.postgres.merchants import MerchantUnknown
from stores.redis.connection import RedisUnavailable
from tests.e2e.a_model import NAME
from tests.e2e.page_shell import is_as_shown
from tests.integration.feature_shop import (
    MERCHANT,
    MONDAY,
    SHARES,
    SUNDAY,
    FeatureShop,
    ServedSet,
    a_feature_shop,
    an_order,
    variables_of,
)
from tests.integration.history import NOON, a_job
from tests.integration.notebook_page import cells_of, output_of

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

PAGE = Path(__file__).parents[2] / "docs" / "sdk.md"
LIMIT = timedelta(seconds=30)
WEEK_OF_CARD = "card_orders_7d_distant"


@pytest.fixture(scope="module")
def shop(
    module_database_url: str,
    module_redis_url: str,
    spark: "SparkSession",
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[FeatureShop]:
    storage = tmp_path_factory.mktemp("João [1] 50% ")
    job = a_job(module_database_url, module_redis_url, storage.as_uri(), spark)
    with a_feature_shop(job, tmp_path_factory.mktemp("models")) as made:
        yield made


@pytest.fixture
def store(shop: FeatureShop) -> Iterator[FeatureStore]:
    """That of the first feature set, at noon of Sunday."""
    with shop.store(shop.first, NOON) as opened:
        yield opened


def rows_by_order(served: ServedSet) -> dict[str, dict[str, Any]]:
    """The features of the newest training set, by order."""
    newest = served.store.training_set()
    rows = newest.read(["order_id", *served.store.names]).to_pylist()
    return {row.pop("order_id"): row for row in rows}


def differences(
    some: Mapping[str, Mapping[str, Any]], others: Mapping[str, Mapping[str, Any]]
) -> dict[tuple[str, str], tuple[Any, Any]]:
    """By order and feature, the values that are not equal."""
    return {
        (order, name): (some[order][name], value)
        for order, row in others.items()
        for name, value in row.items()
        if some[order][name] != value
    }


def test_two_feature_sets_are_served_side_by_side_from_one_load(shop: FeatureShop) -> None:
    first, second = shop.first, shop.second

    assert first.store.version != second.store.version
    assert first.store.timelines == second.store.timelines
    for served in (first, second):
        trained = rows_by_order(served)
        assert len(served.answered) == 4
        assert differences(trained, served.answered) == {}
        loads = served.store.online(an_order(1), MERCHANT).table["load_id"].to_pylist()
        assert loads == [1]
    assert "card_orders_14d_distant" in second.store.names
    for name in ("card_orders_14d_distant", *(each.name for each in SHARES)):
        assert any(row[name] for row in second.answered.values())


def test_what_is_read_online_is_what_the_service_answers_a_moment_later(shop: FeatureShop) -> None:
    for served in (shop.first, shop.second):
        assert differences(served.read, served.answered) == {}


def test_nothing_is_stored_of_what_was_asked(shop: FeatureShop, store: FeatureStore) -> None:
    store.online(an_order(1) | {"order_id": "only asked"}, MERCHANT)

    with shop.history.connect() as connection:
        asked = "SELECT count(*) FROM orders WHERE order_id = 'only asked'"
        assert connection.execute(asked).fetchall() == [(0,)]


def test_the_sessions_of_online_can_store_nothing(shop: FeatureShop) -> None:
    job = shop.first.job
    reader = OnlineFeatureReader(job.settings, job.feature_set)
    merchant = "INSERT INTO merchants (name) VALUES ('another one')"
    try:
        with reader.database.session() as session, pytest.raises(ReadOnlySqlTransaction):
            session.call(lambda connection: connection.execute(merchant), Deadline.within(LIMIT))
    finally:
        reader.close()


def test_a_list_and_tables_are_read_as_their_orders_one_by_one(store: FeatureStore) -> None:
    orders = [an_order(number) for number in range(3)]
    columns = [
        {**order, "product": [each["product"] for each in order["items"]]} for order in orders
    ]
    tables = (pa.Table.from_pylist(columns), pd.DataFrame(columns), pl.DataFrame(columns))

    one_by_one = [store.online(order).table.to_pylist()[0] for order in orders]
    assert store.online(orders).table.to_pylist() == one_by_one
    for table in tables:
        assert store.online(table).table.to_pylist() == one_by_one


def test_orders_are_made_canonical_as_those_of_a_request(store: FeatureStore) -> None:
    plain = an_order(0) | {"document": "52998224725", "email": "someone0@example.com"}
    written = plain | {"document": "529.982.247-25", "email": "Someone0@Example.com "}

    assert store.online(written).table == store.online(plain).table


def test_an_order_that_the_load_counts_has_no_distant_past_as_for_a_request(
    store: FeatureStore,
) -> None:
    names = ["card_orders_24h_recent", WEEK_OF_CARD]
    (imported,) = store.online(an_order(0) | {"order_id": "o0"}, features=names).table.to_pylist()
    (other,) = store.online(an_order(0), features=names).table.to_pylist()

    assert (imported["missing"], imported[WEEK_OF_CARD]) == (["distant"], None)
    assert imported["card_orders_24h_recent"] == other["card_orders_24h_recent"] - 1
    assert imported["load_id"] is imported["snapshot_as_of"] is None


def test_an_entity_has_the_past_of_its_identifiers_alone(store: FeatureStore) -> None:
    whole = store.online(an_order(1)).table.to_pylist()[0]
    (row,) = store.online({"card": "tok_1"}).table.to_pylist()

    of_card = [name for name in store.names if name.startswith("card_")]
    assert row["order_id"] is row["amount_cents"] is row["document_orders_7d_distant"] is None
    assert {name: row[name] for name in of_card} == {name: whole[name] for name in of_card}


def test_a_model_reads_the_matrix_of_what_was_read(store: FeatureStore) -> None:
    online = store.online([an_order(1), {"card": "tok_1"}])

    matrix = online.matrix()
    assert matrix.shape == (2, len(store.names))
    for row, values in zip(matrix, online.to_pandas()[[*store.names]].to_numpy(), strict=True):
        nulls = [value is pd.NA or value != value for value in values]
        assert np.isnan(row).tolist() == nulls
    assert online.to_polars().select(store.names).row(0) == tuple(
        online.table.select(store.names).to_pylist()[0].values()
    )


def test_chosen_features_come_in_the_order_in_which_they_were_named(store: FeatureStore) -> None:
    names = ["local_hour", WEEK_OF_CARD]
    online = store.online(an_order(1), features=names)

    assert online.table.column_names[-2:] == names
    assert online.matrix().tolist()[0][0] == 12.0


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ([{"order_id": "a", "amount_cents": 1}, {"order_id": "b"}], "order 1 (counted from 0): "),
        ([{"order_id": "a", "amount_cents": -1}], "amount_cents: "),
        ([{"crad": "tok_1"}], "crad: "),
        (["tok_1"], "is str: give a mapping of its fields"),
    ],
    ids=["an order without an amount", "a negative amount", "a typo", "no mapping"],
)
def test_a_wrong_order_is_named(store: FeatureStore, sent: Any, sentence: str) -> None:
    with pytest.raises(OrderRefused) as refused:
        store.online(sent)

    assert sentence in str(refused.value)


def test_a_wrong_column_of_a_table_is_named(store: FeatureStore) -> None:
    table = pa.table({"order_id": ["a"], "amount_cents": [1.5]})

    with pytest.raises(OrdersRefused, match="amount_cents"):
        store.online(table)


def test_an_unknown_merchant_is_named(store: FeatureStore) -> None:
    with pytest.raises(MerchantUnknown, match="no merchant 'nobody'"):
        store.online(an_order(1), "nobody")


@pytest.mark.parametrize("merchant", [3, "a\0b"])
def test_what_no_merchant_is_called_is_no_merchant(store: FeatureStore, merchant: Any) -> None:
    with pytest.raises(MerchantUnknown):
        store.online(an_order(1), merchant)


def test_without_a_load_of_the_due_day_a_question_of_now_is_refused(shop: FeatureShop) -> None:
    with (
        shop.store(shop.first, NOON + timedelta(days=30)) as later,
        pytest.raises(LoadMissing, match="no load as of 2018-06-19, or at most 2 days older"),
    ):
        later.online(an_order(1))


def test_a_store_that_is_away_says_so_in_its_own_sentence(shop: FeatureShop) -> None:
    nowhere = replace(shop.first.job.settings, redis_url="redis://127.0.0.1:1/0")
    with FeatureStore(nowhere, clock=NOON) as store:
        with pytest.raises(RedisUnavailable, match=r"Redis at 127\.0\.0\.1:1/0 is not available"):
            store.online(an_order(1))
        with pytest.raises(RedisUnavailable):
            store.groups()
    nowhere = replace(
        shop.first.job.settings, postgres_url="postgresql://nobody@127.0.0.1:1/nothing"
    )
    with pytest.raises(PostgresUnavailable, match=r"127\.0\.0\.1:1/nothing"):
        FeatureStore(nowhere).groups()


def test_only_a_development_stack_has_another_clock(shop: FeatureShop, database_url: str) -> None:
    settings = replace(shop.first.job.settings, postgres_url=database_url)
    with connect(database_url, application_name="test") as connection:
        connection.execute("UPDATE stack SET environment = 'production'")

    store = FeatureStore(settings, clock=NOON)
    with pytest.raises(ClockNotSettable):
        store.groups()
    with pytest.raises(ClockNotSettable):
        store.online(an_order(1), MERCHANT)


def test_groups_say_who_makes_them_how_often_and_as_of_when(store: FeatureStore) -> None:
    groups = store.groups()

    card = groups["card", "distant"]
    assert sum(len(each.features) for each in groups) == len(store.names)
    assert WEEK_OF_CARD in card.features
    assert card.owner.startswith("ontem night, run by ")
    assert card.cadence_days.value == 1.0
    assert (card.freshness.as_of, card.freshness.load_id) == (SUNDAY, 1)
    assert card.freshness.stale_days == 0
    assert card.freshness.published_at is not None
    recent = groups["card", "recent"]
    assert (recent.owner, recent.cadence_days.value) == ("the service, from PostgreSQL", 0.0)
    assert groups["card", "distant and recent"].freshness.as_of == SUNDAY
    assert groups["order", "order"].features[:1] == ("amount_cents",)
    assert "card" in repr(groups)
    assert "<td>card</td>" in groups._repr_html_()
    with pytest.raises(GroupUnknown, match="the nearest are card / distant"):
        groups["crad", "distant"]


def test_the_freshness_says_how_old_the_load_is_that_requests_read(shop: FeatureShop) -> None:
    with shop.store(shop.first, NOON + timedelta(days=2)) as tuesday:
        fresh = tuesday.groups()["card", "distant"].freshness
    with shop.store(shop.first, NOON + timedelta(days=30)) as june:
        stale = june.groups()["card", "distant"].freshness

    assert (fresh.as_of, fresh.stale_days) == (MONDAY, 1)
    assert (stale.as_of, stale.stale_days) == (None, None)
    assert stale.reason == "the newest load, as of 2018-05-21, can't be read now: run `ontem night`"


def test_a_description_has_only_what_was_measured(shop: FeatureShop, store: FeatureStore) -> None:
    described = store.describe(WEEK_OF_CARD)

    trained = store.training_set().read([WEEK_OF_CARD])[WEEK_OF_CARD]
    zeros = sum(value == 0 for value in trained.to_pylist())
    assert described.null_rate.value == trained.null_count / len(trained)
    assert described.zero_rate.value == zeros / len(trained)
    timelines = store.snapshot(MONDAY).some_rows(1_000, ["timeline"])
    lengths = [len(row["timeline"]) for row in timelines.to_pylist() if row["identifier"] == "card"]
    assert described.entity_bytes.value == pytest.approx(sum(lengths) / len(lengths))
    assert described.own_bytes.value is not None
    assert 0 < described.own_bytes.value < described.entity_bytes.value
    assert described.microseconds.value is not None
    assert [model.name for model in described.models] == [NAME]
    assert described.served_since is not None
    assert described.formula == (
        "count(orders with the same card) where cutoff - 7 days <= event_at < cutoff"
    )
    for text in (repr(described), described._repr_html_()):
        assert WEEK_OF_CARD in text


def test_the_command_shows_what_a_description_says(
    shop: FeatureShop, store: FeatureStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    environ = variables_of(shop.first.job.settings)
    command = ["features", "show", WEEK_OF_CARD, "--figures"]

    lines = CliRunner().invoke(main, command, env=environ).stdout.splitlines()
    answer = json.loads(CliRunner().invoke(main, [*command, "--json"], env=environ).stdout)

    described = store.describe(WEEK_OF_CARD)
    assert (answer["words"], answer["formula"]) == (described.words, described.formula)
    figures = answer["figures"]
    assert figures["null_rate"] == {
        "value": described.null_rate.value,
        "reason": described.null_rate.reason,
    }
    assert figures["entity_bytes"]["value"] == described.entity_bytes.value
    assert figures["models"] == [NAME]
    assert described.served_since is not None
    assert figures["served_since"] == described.served_since.isoformat()
    assert f"  model     {described.models[0]}" in lines
    assert f"  null      {described.null_rate.sentence}" in lines


def test_a_feature_that_is_read_from_rows_or_off_the_order_stores_nothing(
    store: FeatureStore,
) -> None:
    for name in ("card_orders_1h_recent", "product_distinct_card_orders_1h_recent", "local_hour"):
        described = store.describe(name)
        assert described.entity_bytes.value == described.own_bytes.value == 0.0
        assert described.microseconds.value is not None


def test_what_a_description_can_not_know_it_says(shop: FeatureShop) -> None:
    settings = replace(
        shop.first.job.settings, model_path=None, model_verify_keys=(), timezone="UTC"
    )
    with FeatureStore(settings, clock=NOON) as store:
        described = store.describe(WEEK_OF_CARD)

    figures = (described.entity_bytes, described.microseconds, described.null_rate)
    assert [each.value for each in figures] == [None, None, None]
    assert "there is a snapshot" in described.entity_bytes.reason
    assert "there is a training set" in described.null_rate.reason
    assert (described.models, described.served_since) == ((), None)
    assert "ONTEM_MODEL_VERIFY_KEYS" in described.usage.reason


def test_search_finds_features_of_the_set_by_words(shop: FeatureShop) -> None:
    hits = shop.second.store.search("orders of this card in 14 days", limit=3)

    assert hits[0].name == "card_orders_14d_distant"
    assert len(hits) == 3
    with pytest.raises(NothingFound):
        shop.second.store.search("xyzzy")


def test_a_diff_says_what_a_switch_to_another_feature_set_needs(shop: FeatureShop) -> None:
    first, second = shop.first.store, shop.second.store
    diff = first.diff(second.version)

    assert not diff.new_load
    assert diff.new_training_set
    assert WEEK_OF_CARD in diff.added
    assert "card_orders_14d_distant" in diff.removed
    assert first.diff(NAME, first.version).added == ()
    with pytest.raises(SideUnknown, match=NAME):
        first.diff("another-model")


def test_a_name_that_no_feature_has_names_the_nearest_ones(store: FeatureStore) -> None:
    with pytest.raises(FeatureUnknown) as typo:
        store.describe("card_order_7d_distant")
    with pytest.raises(FeatureUnknown) as of_another_set:
        store.describe("card_orders_14d_distant")

    assert typo.value.nearest[0] == WEEK_OF_CARD
    assert f"the nearest are {WEEK_OF_CARD}, " in str(typo.value)
    assert "open a FeatureStore with it among `features`" in str(of_another_set.value)


def test_a_training_set_is_read_by_columns_and_piece_by_piece(store: FeatureStore) -> None:
    newest = store.training_set()
    columns = ["order_id", "label", WEEK_OF_CARD]

    whole = newest.read(columns)
    assert whole.num_rows == newest.rows == newest.facts.orders
    assert whole.column_names == columns
    assert newest.read().column_names == newest.columns
    pieces = list(newest.batches(columns, rows=5))
    assert max(piece.num_rows for piece in pieces) <= 5
    assert pa.concat_tables(pieces).sort_by("order_id") == whole.sort_by("order_id")
    assert newest.read(columns, "pandas")[WEEK_OF_CARD].tolist() == whole[WEEK_OF_CARD].to_pylist()
    assert newest.read(columns, "polars").columns == columns
    lazy = newest.lazy().filter(pl.col("order_id") == "live 0").select(WEEK_OF_CARD).collect()
    expected = [row for row in whole.to_pylist() if row["order_id"] == "live 0"]
    assert lazy[WEEK_OF_CARD].to_list() == [row[WEEK_OF_CARD] for row in expected]


def test_a_training_set_is_found_by_number_and_by_name(store: FeatureStore) -> None:
    newest = store.training_set()

    assert newest.name == store.training_set(1).name == store.training_set("r1").name
    assert newest.name == store.training_set(newest.name).name
    assert newest.features == store.names


def test_a_training_set_that_is_not_there_or_of_another_set_is_refused(shop: FeatureShop) -> None:
    first, second = shop.first.store, shop.second.store
    with pytest.raises(TrainingSetMissing, match="there are r1"):
        first.training_set(7)
    with pytest.raises(TrainingSetMissing):
        first.training_set("newest")
    with pytest.raises(OtherTrainingSet, match=f"this store has {first.version}"):
        first.training_set(second.training_set().name)
    with pytest.raises(ColumnUnknown, match=f"the nearest are {WEEK_OF_CARD}"):
        first.training_set().read(["card_order_7d_distant"])
    with pytest.raises(KindUnknown, match="write one of arrow, pandas, polars"):
        first.training_set().read(kind="spark")


def test_a_past_day_is_a_table_of_readable_columns(store: FeatureStore) -> None:
    sunday, monday = store.snapshot(SUNDAY), store.snapshot("2018-05-21")
    cards = monday.read(["entity", "identifier", "orders", "orders_older"], ["card"])

    assert len(sunday.chain) < len(monday.chain)
    assert sunday.entities == sunday.read(["entity"]).num_rows
    assert monday.entities == monday.read(["entity"]).num_rows
    assert "timeline" not in monday.columns
    assert set(cards["identifier"].to_pylist()) == {"card"}
    days = [each["count"] for row in cards["orders"].to_pylist() for each in row]
    assert sum(days) == 36 + 1 + 8
    assert sunday.entities == monday.entities > monday.chain[0].rows
    assert monday.read(["entity"], kind="polars").height == monday.entities
    pieces = list(monday.batches(["entity", "orders"], rows=10))
    assert len(pieces) == -(-sum(link.rows for link in monday.chain) // 10) > 3
    assert pa.concat_tables(pieces) == monday.read(["entity", "orders"])
    with pytest.raises(IdentifierUnknown, match="the nearest are card"):
        monday.read(["entity"], "crad")


def test_features_of_a_past_day_are_those_that_its_orders_were_answered_with(
    shop: FeatureShop, store: FeatureStore
) -> None:
    sunday = store.snapshot(SUNDAY)
    of_group = store.groups()["card", "distant"].features
    names = [name for name in of_group if not name.startswith("amount_to_")]
    assert "card_chargeback_share_ever_distant" in names
    table = sunday.features(names)

    of_card = {row.pop("entity"): row for row in table.to_pylist()}
    for number in (0, 1, 2):
        found = of_card[store.key("card", f"tok_{number}")]
        answered = store.online({"card": f"tok_{number}"}).table.select(names).to_pylist()[0]
        assert {name: found[name] for name in names} == answered


def test_a_derived_feature_of_a_past_day_is_that_of_its_orders(shop: FeatureShop) -> None:
    share, to_mean = (each.name for each in SHARES)
    with shop.store(shop.second, NOON) as store:
        sunday = store.snapshot(SUNDAY)
        of_card = {row["entity"]: row for row in sunday.features([share]).to_pylist()}
        answered = store.online({"card": "tok_0"}).table.to_pylist()[0]
        entity = of_card[store.key("card", "tok_0")]
        with pytest.raises(NotOfDay, match="it is of an order"):
            sunday.features([to_mean])
        described = store.describe(share)

    assert entity[share] == answered[share] is not None
    assert answered[to_mean] is None
    assert described.formula == "card_chargebacks_30d_distant / card_orders_30d_distant"
    assert (described.own_bytes.value, described.window) == (0.0, "30d")
    assert described.microseconds.value is not None


def test_of_no_identifier_and_of_no_feature_there_is_no_entity(store: FeatureStore) -> None:
    sunday = store.snapshot(SUNDAY)

    assert sunday.read(["entity"], identifiers=[]).num_rows == 0
    assert sunday.features([]).num_rows == 0
    with pytest.raises(CountRefused):
        next(sunday.batches(["entity"], rows=0))
    with pytest.raises(CountRefused):
        next(store.training_set().batches(["label"], rows=0))


def test_an_entity_of_a_past_day_is_found_by_its_value(store: FeatureStore) -> None:
    sunday = store.snapshot(SUNDAY)
    known, unknown = store.key("document", "529.982.247-25"), store.key("document", "nobody")

    rows = sunday.of_entities([known, unknown]).to_pylist()
    assert [(row["entity"], row["identifier"]) for row in rows] == [(known, "document")]
    assert sunday.of_entities([unknown]).num_rows == 0
    with pytest.raises(EntityRefused, match="is a placeholder"):
        store.key("document", "00000000000")


def test_a_day_without_a_snapshot_names_the_nearest_ones(store: FeatureStore) -> None:
    with pytest.raises(DayMissing, match="the nearest are 2018-05-21;"):
        store.snapshot(date(2018, 6, 1))
    with pytest.raises(DayMissing, match="the nearest are 2018-05-20;"):
        store.snapshot(datetime(2018, 5, 1))  # noqa: DTZ001  a day is all that counts
    with pytest.raises(DayRefused, match="'5 June' is not a day"):
        store.snapshot("5 June")


@pytest.mark.parametrize(
    ("day", "remedy"),
    [
        ("2018-05-19", "`ontem night --backfill 2018-05-19 2018-05-19` builds it$"),
        ("2018-05-04", "`ontem night --backfill 2018-05-04 2018-05-04` builds it$"),
        ("2018-05-03", "no order is from before that day: name 2018-05-04 or one after it$"),
        ("2018-05-22", "has to begin before it can be built: name 2018-05-20 or one before it$"),
        ("2199-12-31", "has to begin before it can be built: name 2018-05-20 or one before it$"),
    ],
)
def test_a_day_without_a_snapshot_names_what_can_bring_one(
    store: FeatureStore, day: str, remedy: str
) -> None:
    with pytest.raises(DayMissing, match=remedy):
        store.snapshot(day)


def test_before_there_are_orders_no_night_is_proposed(
    database_url: str, redis_url: str, storage_url: str, spark: "SparkSession"
) -> None:
    job = a_job(database_url, redis_url, storage_url, spark)
    with (
        FeatureStore(job.settings, clock=NOON) as empty,
        pytest.raises(DayMissing, match=r"there is none yet; .* `ontem import` brings some$"),
    ):
        empty.snapshot(SUNDAY)


@pytest.mark.parametrize(
    ("name", "reason"),
    [("card_orders_1h_recent", "a snapshot ends at its day"), ("local_hour", "of an order")],
)
def test_a_feature_that_no_timeline_tells_is_refused(
    store: FeatureStore, name: str, reason: str
) -> None:
    with pytest.raises(NotOfDay, match=reason):
        store.snapshot(SUNDAY).features([name])


def test_point_in_time_makes_orders_canonical_and_names_the_nearest_feature(
    store: FeatureStore,
) -> None:
    orders = pd.DataFrame(
        {
            "order_id": ["a", "b"],
            "merchant_id": ["shop", "shop"],
            "event_at": pd.to_datetime(["2026-03-01T12:00Z", "2026-03-02T09:30Z"]),
            "document": ["529.982.247-25", "52998224725"],
        }
    )
    names = ["document_orders_36h_recent"]

    for kind in ("arrow", "pandas", "polars"):
        table = store.point_in_time(orders, names, kind)
        assert list(table[names[0]].to_numpy()) == [0, 1]
    with pytest.raises(FeatureUnknown, match="the nearest are document_orders_7d_distant"):
        store.point_in_time(orders, ["document_order_7d_distant"])


def test_the_store_says_what_it_is(store: FeatureStore) -> None:
    assert store.version in repr(store)
    assert "4 orders" not in repr(store.training_set())
    assert store.training_set().name in repr(store.training_set())
    assert "before 2018-05-20" in repr(store.snapshot(SUNDAY))
    assert "1 orders" in repr(store.online(an_order(1)))


def test_the_page_shows_what_its_blocks_print(
    shop: FeatureShop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in variables_of(shop.first.job.settings).items():
        monkeypatch.setenv(name, value)

    names: dict[str, object] = {}
    outputs = [(cell, output_of(cell, names)) for cell in cells_of(PAGE)]
    others = [
        f"{cell.code}\n{printed}"
        for cell, printed in outputs
        if cell.shown is not None and not is_as_shown(cell.shown, printed)
    ]
    assert not others, "\n".join(others)
    assert len(outputs) > 15
