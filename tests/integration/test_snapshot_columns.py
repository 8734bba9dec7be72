"""A feature's value for a past day, read off a night's snapshot by one expression of SQL."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import polars as pl
import pyarrow as pa
import pytest

from features_pkg import CATALOGUE, parse_name, point_in_time
from features_pkg.calendar import to_us
from features_pkg.definitions.velocity import Measure, Past, Velocity
from features_pkg.identifiers import IDENTIFIERS, MERCHANT
from jobs.snapshot.chain import chain_of, entities_of, files_of
from jobs.snapshot.facts import SnapshotFacts, snapshot_slot
from jobs.snapshot.table import snapshots_table
from stores.offline.revisions import read_revision
from tests.integration.crowded_nights import (
    DAYS,
    CrowdedNights,
    crowded_nights,
    question_us,
)
from tests.integration.history import a_job

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

PAGE = Path(__file__).resolve().parents[2] / "docs" / "offline-store.md"
JUNE = DAYS[1]
PRINTED = [
    "document_orders_7d_distant",
    "document_distinct_zip_code_orders_7d_distant",
    "document_chargebacks_ever_distant",
]
NOT_IN_THE_CATALOGUE = [
    f"{identifier}_{rest}"
    for identifier in IDENTIFIERS
    for rest in (
        "orders_45d_distant",
        "chargebacks_1d_distant",
        "chargebacks_90d_distant",
        "amount_cents_orders_1d_distant",
        "amount_cents_orders_90d_distant",
        "amount_cents_orders_ever_distant",
        "amount_cents_chargebacks_90d_distant",
        "first_chargeback_age_seconds",
        "last_chargeback_age_seconds",
    )
]
FEATURES = [
    *(velocity for velocity in CATALOGUE if velocity.past is not Past.RECENT),
    *(velocity for name in NOT_IN_THE_CATALOGUE if (velocity := parse_name(name)) not in CATALOGUE),
]


@pytest.fixture(scope="module")
def nights(
    module_database_url: str,
    module_redis_url: str,
    tmp_path_factory: pytest.TempPathFactory,
    spark: "SparkSession",
) -> CrowdedNights:
    root = tmp_path_factory.mktemp("store").as_uri()
    return crowded_nights(a_job(module_database_url, module_redis_url, root, spark))


@contextmanager
def snapshots_in_duckdb(nights: CrowdedNights) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB that reads the files which the table names.

    Its extension for Iceberg would do so by itself, but is not in a package for this version.
    """
    paths = [task.file.file_path for task in nights.table.scan().plan_files()]
    with duckdb.connect() as database:
        database.read_parquet(paths).create_view("snapshots")
        yield database


def expression(velocity: Velocity, day: date) -> str:
    """The value of a feature in the SQL of DuckDB, on an entity's row; null without a row."""
    name = velocity.event.plural
    if velocity.measure.is_age:
        return f"({question_us(day)} - epoch_us({velocity.measure}_{velocity.event}_at)) // 1000000"
    if velocity.target is not None:
        name = f"distinct_{velocity.target}_{name}"
    window = velocity.window
    assert window is not None
    days, delay = window.days, window.delay_days
    since_start = _since(None if days is None else days + delay, velocity, name, day)
    return f"({since_start}) - ({_since(delay, velocity, name, day)})" if delay else since_start


def _since(days: int | None, velocity: Velocity, name: str, day: date) -> str:
    """What a window of so many days has in the list of this name; None is ever."""
    number = "cents" if velocity.measure is Measure.AMOUNT else "count"
    if days is None:
        older = f"{name}_older_cents" if velocity.measure is Measure.AMOUNT else f"{name}_older"
        return f"{older} + coalesce(list_sum([d.{number} FOR d IN {name}]), 0)"
    inside = f"d.day >= DATE '{day}' - {days}"
    return f"coalesce(list_sum([d.{number} FOR d IN {name} IF {inside}]), 0)"


def of_all_products(velocity: Velocity, day: date) -> str:
    """The value of a question: the largest of its entities', the smallest where it is an age."""
    value = expression(velocity, day)
    if velocity.measure.is_age:
        return f"min({value}) AS {velocity.name}"
    return f"max(coalesce({value}, 0))::BIGINT AS {velocity.name}"


def answers(nights: CrowdedNights, day: date) -> dict[str, dict[str, int | None]]:
    """What DuckDB says of each feature for each question that names the identifier."""
    named = pa.Table.from_pylist(list(named_entities(nights, day)))
    found: dict[str, dict[str, int | None]] = {}
    with snapshots_in_duckdb(nights) as database:
        database.register("named", named)
        for identifier in IDENTIFIERS:
            velocities = [v for v in FEATURES if v.identifier is identifier]
            values = ", ".join(of_all_products(v, day) for v in velocities)
            rows = database.sql(
                f"SELECT order_id, {values} FROM named LEFT JOIN"
                f" (SELECT * FROM snapshots WHERE as_of <= DATE '{day}' QUALIFY"
                "  row_number() OVER (PARTITION BY entity ORDER BY as_of DESC) = 1) AS newest"
                " ON named.entity = newest.entity"
                f" WHERE named.identifier = '{identifier}' GROUP BY order_id"
            ).to_arrow_table()
            for velocity in velocities:
                pairs = zip(
                    rows["order_id"].to_pylist(), rows[velocity.name].to_pylist(), strict=True
                )
                found[velocity.name] = dict(pairs)
    return found


def named_entities(nights: CrowdedNights, day: date) -> Iterator[dict[str, object]]:
    """Each entity that a question names, with its key."""
    for row in nights.questions(day).to_pylist():
        for identifier in IDENTIFIERS:
            values = row[identifier] if identifier.several else [row[identifier]]
            for value in values:
                if value is not None:
                    key = nights.key(identifier, value)
                    yield {"order_id": row["order_id"], "identifier": identifier, "entity": key}


@pytest.mark.parametrize("day", DAYS, ids=str)
def test_one_expression_of_duckdb_says_what_point_in_time_says(
    nights: CrowdedNights, day: date
) -> None:
    questions = nights.questions(day)
    table = pa.concat_tables([nights.orders, questions])
    table = table.append_column("merchant_id", pa.array([1] * table.num_rows))

    right = point_in_time(table, FEATURES).slice(nights.orders.num_rows)
    found = answers(nights, day)

    ids = right["order_id"].to_pylist()
    varied = 0
    for velocity in FEATURES:
        values = dict(zip(ids, right[velocity.name].to_pylist(), strict=True))
        varied += len(set(values.values())) > 2
        for order_id, value in values.items():
            assert found[velocity.name].get(order_id) == value, (velocity.name, order_id)
    assert varied > 100


def test_most_features_that_are_read_are_of_the_catalogue() -> None:
    assert len([velocity for velocity in CATALOGUE if velocity in FEATURES]) > 100
    assert {velocity.measure for velocity in FEATURES} == set(Measure)


@pytest.fixture
def key(nights: CrowdedNights) -> bytes:
    """The document that has most chargebacks."""
    documents = nights.orders.filter(nights.orders["chargeback_at"].is_valid())["document"]
    (most,) = pl.Series(documents.to_pylist()).drop_nulls().mode().sort().to_list()[:1]
    return nights.key("document", most)


@pytest.fixture
def right(nights: CrowdedNights, key: bytes) -> tuple[int | None, ...]:
    """The values of the printed queries, by `point_in_time`."""
    questions = nights.questions(JUNE)
    (number, *_) = (
        number
        for number, document in enumerate(questions["document"].to_pylist())
        if document is not None and nights.key("document", document) == key
    )
    table = pa.concat_tables([nights.orders, questions.slice(number, 1)])
    table = table.append_column("merchant_id", pa.array([1] * table.num_rows))
    (row,) = point_in_time(table, PRINTED).slice(nights.orders.num_rows).to_pylist()
    values = tuple(row[name] for name in PRINTED)
    assert all(values)
    return values


def printed(engine: str) -> str:
    """The query of the page for an engine."""
    found = re.search(rf"<!-- query: {engine} -->\n```\w+\n(.*?)```", PAGE.read_text("utf-8"), re.S)
    assert found is not None, engine
    return found[1]


def test_the_printed_query_of_duckdb(
    nights: CrowdedNights, key: bytes, right: tuple[int, ...]
) -> None:
    with snapshots_in_duckdb(nights) as database:
        found = database.execute(printed("duckdb"), {"key": key}).fetchall()

    assert found == [right]


def test_the_printed_query_of_all_entities_of_a_day(nights: CrowdedNights) -> None:
    slot = snapshot_slot(nights.job.feature_set.timelines_id, JUNE)
    chain = chain_of(nights.store, read_revision(nights.store, slot.name(1), SnapshotFacts))
    with snapshots_in_duckdb(nights) as database:
        found = database.execute(printed("newest")).fetchall()

    assert [identifier for identifier, _, _ in found] == sorted([*IDENTIFIERS, MERCHANT])
    assert sum(entities for _, entities, _ in found) == entities_of(chain)


def test_the_printed_query_of_polars(
    nights: CrowdedNights, key: bytes, right: tuple[int, ...]
) -> None:
    names: dict[str, Any] = {"pl": pl, "key": key, "snapshots": pl.scan_iceberg(nights.table)}
    exec(printed("polars"), names)  # noqa: S102

    assert names["values"].collect().rows() == [right]


def test_the_printed_query_of_spark(
    nights: CrowdedNights, key: bytes, right: tuple[int, ...], spark: "SparkSession"
) -> None:
    slot = snapshot_slot(nights.job.feature_set.timelines_id, JUNE)
    chain = chain_of(nights.store, read_revision(nights.store, slot.name(1), SnapshotFacts))
    assert len(chain) == 2
    paths = [nights.store.files.spark_location(file.key) for file in files_of(chain)]
    spark.read.parquet(*paths).createOrReplaceTempView("snapshots")
    found = spark.sql(printed("spark"), args={"key": bytearray(key)}).collect()
    spark.catalog.dropTempView("snapshots")

    assert [tuple(row) for row in found] == [right]


def test_the_table_has_the_columns_and_says_what_they_hold(nights: CrowdedNights) -> None:
    schema = nights.table.schema()
    definition = snapshots_table(nights.job.feature_set)

    assert [field.name for field in schema.fields] == definition.columns.names
    for column in definition.columns:
        assert schema.find_field(column.name).doc == column.metadata[b"doc"].decode()
    assert str(schema.find_type("orders.element.day")) == "date"
    assert str(schema.find_type("first_order_at")) == "timestamptz"


def test_a_merchant_is_known_since_its_first_order(nights: CrowdedNights) -> None:
    columns = "epoch_us(first_order_at), last_order_at, orders, orders_older, chargebacks"
    with snapshots_in_duckdb(nights) as database:
        rows = database.execute(
            f"SELECT {columns} FROM snapshots WHERE identifier = $merchant", {"merchant": MERCHANT}
        ).fetchall()

    first_us = min(map(to_us, nights.orders["event_at"].to_pylist()))
    assert rows == [(first_us, None, None, None, None)] * len(DAYS)
