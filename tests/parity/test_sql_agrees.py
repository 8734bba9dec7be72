"""`point_in_time` says what SQL says: on orders that nobody here wrote, and on generated ones."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from features_pkg import parse_name, point_in_time
from features_pkg.calendar import to_us
from features_pkg.identifiers import IDENTIFIERS
from ontem.generating.generate import generate
from tests.parity.sql_answers import sql_answers

DATA = Path(__file__).parents[3] / "shared" / "data"
HOUR_US = 3_600_000_000
INSTANT = pa.timestamp("us", "UTC")
SAO_PAULO = "America/Sao_Paulo"
WINDOWS = (
    "orders_2h_recent",
    "orders_24h_recent",
    "orders_90d_recent",
    "orders_ever_recent",
    "orders_since_cutoff_recent",
    "orders_1d_distant",
    "orders_7d_distant",
    "orders_90d_distant",
    "orders_ever_distant",
    "orders_30d_delay_7d_distant",
    "orders_ever_delay_60d_distant",
    "chargebacks_24h_recent",
    "chargebacks_since_cutoff_recent",
    "chargebacks_30d_recent",
    "chargebacks_30d_distant",
    "chargebacks_ever_distant",
    "chargebacks_30d_delay_7d_distant",
)
OTHERS = (
    "amount_cents_orders_24h_recent",
    "amount_cents_orders_since_cutoff_recent",
    "amount_cents_orders_30d_distant",
    "amount_cents_orders_7d_delay_83d_distant",
    "amount_cents_chargebacks_ever_distant",
    "first_order_age_seconds",
    "last_order_age_seconds",
    "first_chargeback_age_seconds",
    "last_chargeback_age_seconds",
)
DISTINCT = (
    "orders_24h_recent",
    "orders_7d_distant",
    "orders_ever_distant",
    "chargebacks_90d_distant",
)
FEATURES = [
    *(f"{identifier}_{rest}" for identifier in IDENTIFIERS for rest in (*WINDOWS, *OTHERS)),
    *(
        f"{identifier}_distinct_{target}_{window}"
        for identifier in IDENTIFIERS
        for target in ("zip_code", "card", "product")
        if target != identifier
        for window in DISTINCT
    ),
]
VELOCITIES = [parse_name(name) for name in FEATURES]

_FROM_FILE = """
SELECT order_id, {merchant} AS merchant_id, created_at, chargeback_at,
    round(amount * 100)::BIGINT AS amount_cents, user_id AS user, document, email, phone,
    zip AS zip_code, device_id AS device, ip, card, seller_id AS seller,
    {product} AS product
FROM '{file}' AS outside WHERE {rows}
"""


def from_file(file: str, zone: str, *, merchant: str, product: str, rows: str = "true") -> pa.Table:
    """Orders of one of the shared files, with their local times made instants."""
    path = DATA / file
    if not path.exists():
        pytest.skip(f"{path.name} is not there: the shared data folder lies beside the project")
    query = _FROM_FILE.format(file=path, merchant=merchant, product=product, rows=rows)
    with duckdb.connect() as database:
        table = database.sql(query).to_arrow_table()
    for source, name in (("created_at", "event_at"), ("chargeback_at", "chargeback_at")):
        local = table[source].cast(pa.timestamp("us"))
        instants = pc.assume_timezone(local, zone, ambiguous="earliest")
        table = table.drop([source]).append_column(name, instants)
    return table


def olist() -> pa.Table:
    """Real orders with all their products; their sellers are dealt out to two merchants."""
    items = f"'{DATA / 'olist_order_items.parquet'}'"
    return from_file(
        "olist_orders.parquet",
        SAO_PAULO,
        merchant="CASE WHEN seller_id < '8' THEN 1 ELSE 2 END",
        product=f"(SELECT list(product_id) FROM {items} AS i WHERE i.order_id = outside.order_id)",
    )


def sparkov() -> pa.Table:
    """All orders of the busiest users, and all of the first day."""
    busiest = (
        f"SELECT user_id FROM '{DATA / 'sparkov_orders.parquet'}' "
        "GROUP BY user_id ORDER BY count(*) DESC, user_id LIMIT 4"
    )
    return from_file(
        "sparkov_orders.parquet",
        SAO_PAULO,
        merchant="1",
        product="[product_id]",
        rows=f"user_id IN ({busiest}) OR created_at < TIMESTAMP '2019-01-02'",
    )


def aws_afd() -> pa.Table:
    """Every identifier filled, chargebacks at their order's instant; times are UTC."""
    return from_file("aws_afd_orders.parquet", "UTC", merchant="1", product="[product_id]")


def generated() -> pa.Table:
    """Orders of the generator, over days of 23 and 25 hours."""
    table = generate(5000, 150, 7, datetime(2019, 2, 20, 15, tzinfo=UTC))
    return table.append_column("merchant_id", pa.array([n % 3 for n in range(table.num_rows)]))


def crowded() -> pa.Table:
    """Few values of each identifier, nulls, products that repeat, and all on whole hours."""
    rng, orders = np.random.default_rng(11), 1500
    at_us = to_us(datetime(2018, 10, 1, tzinfo=UTC)) + rng.integers(0, 150 * 24, orders) * HOUR_US
    waited_us = rng.integers(0, 30 * 24, orders) * HOUR_US
    columns = {
        "order_id": np.arange(orders),
        "merchant_id": rng.integers(0, 2, orders),
        "event_at": pa.array(at_us).cast(INSTANT),
        "amount_cents": rng.integers(0, 10**9, orders),
        "chargeback_at": pa.array(at_us + waited_us, mask=rng.random(orders) < 0.6).cast(INSTANT),
        "product": [list(rng.choice(list("pqrst"), n)) for n in rng.integers(0, 4, orders)],
    }
    for identifier in IDENTIFIERS[:-1]:
        values = np.char.add(identifier, rng.integers(0, 12, orders).astype(str))
        columns[identifier] = pa.array(values, mask=rng.random(orders) < 0.1)
    return pa.table(columns)


@pytest.mark.parametrize(
    ("orders", "zone"),
    [
        (olist, SAO_PAULO),
        (sparkov, SAO_PAULO),
        (aws_afd, "UTC"),
        (generated, SAO_PAULO),
        (crowded, SAO_PAULO),
        (crowded, "Australia/Lord_Howe"),
    ],
    ids=lambda given: getattr(given, "__name__", given),
)
def test_point_in_time_says_what_sql_says(orders: Callable[[], pa.Table], zone: str) -> None:
    table = orders()

    found = point_in_time(table, FEATURES, timezone=zone)
    answers = sql_answers(table, VELOCITIES, zone)

    assert table.num_rows > 1000
    for name in FEATURES:
        assert found[name].to_pylist() == answers[name], name


def test_no_feature_of_the_crowded_orders_is_easy() -> None:
    found = point_in_time(crowded(), FEATURES)

    for name in FEATURES:
        assert len(set(found[name].to_pylist())) > 2, name
