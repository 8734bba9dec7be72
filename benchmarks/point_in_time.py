"""`features_pkg.point_in_time` against DuckDB's range windows, and how its time grows."""

import json
import subprocess
import sys
import time
from datetime import UTC, datetime

import duckdb
import pyarrow as pa

from benchmarks.size import ORDERS
from features_pkg import CATALOGUE, point_in_time
from features_pkg.definitions.catalogue import DERIVED_CATALOGUE
from ontem.generating import generate
from tests.peak_memory import peak_memory

SIZES = (ORDERS // 4, ORDERS // 2, ORDERS)
DUCKDB_ORDERS = ORDERS // 5
DUCKDB_QUERY = """
SELECT sum(orders), sum(cards) FROM (
    SELECT count(*) OVER recent AS orders, count(DISTINCT card) OVER recent AS cards
    FROM orders WHERE device IS NOT NULL
    WINDOW recent AS (
        PARTITION BY merchant_id, device ORDER BY event_at
        RANGE BETWEEN INTERVAL 7 DAYS PRECEDING AND INTERVAL 1 MICROSECOND PRECEDING
    )
)
"""
FEATURES_OF_QUERY = ("device_orders_7d_recent", "device_distinct_card_orders_7d_recent")


def orders_table(orders: int) -> pa.Table:
    """Generated orders of one merchant in one year."""
    table = generate(orders, 365, 1, datetime(2026, 1, 1, tzinfo=UTC))
    return table.append_column("merchant_id", pa.array([1] * orders, pa.int64()))


def whole_catalogue(orders: int) -> dict[str, float]:
    """What the whole catalogue takes in this process: seconds, peak gigabytes, number of values."""
    table = orders_table(orders)
    start = time.perf_counter()
    features = point_in_time(table)
    seconds = time.perf_counter() - start
    peak = peak_memory() / 1e9
    return {"seconds": seconds, "gigabytes": peak, "values": orders * (features.num_columns - 1)}


def measure() -> list[str]:
    """The lines of the section."""
    runs = {size: _in_a_new_process(size) for size in SIZES}
    lines = [
        "## Point in time: the whole catalogue for every order",
        "",
        (
            f"{len(CATALOGUE)} velocities and {len(DERIVED_CATALOGUE)} features derived from them "
            "for the generated orders of one merchant in one year. The peak is that of the "
            "whole process, with the orders and the result."
        ),
        "",
        "| orders | seconds | million values a second | peak, GB |",
        "|---|---|---|---|",
    ]
    for size, run in runs.items():
        speed = run["values"] / run["seconds"] / 1e6
        lines.append(f"| {size:,} | {run['seconds']:.1f} | {speed:.1f} | {run['gigabytes']:.2f} |")
    growth = runs[SIZES[-1]]["seconds"] / runs[SIZES[0]]["seconds"]
    return [
        *lines,
        "",
        f"{SIZES[-1] // SIZES[0]} times the orders took {growth:.1f} times as long.",
        *_against_duckdb(),
    ]


def _in_a_new_process(orders: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.point_in_time", str(orders)]
    ended = subprocess.run(command, check=True, capture_output=True, text=True)
    measured: dict[str, float] = json.loads(ended.stdout.splitlines()[-1])
    return measured


def _against_duckdb() -> list[str]:
    orders = orders_table(DUCKDB_ORDERS)
    start = time.perf_counter()
    ours = point_in_time(orders, FEATURES_OF_QUERY)
    ours_seconds = time.perf_counter() - start
    connection = duckdb.connect()
    connection.register("orders", orders)
    start = time.perf_counter()
    theirs = connection.execute(DUCKDB_QUERY).fetchone()
    theirs_seconds = time.perf_counter() - start
    sums = tuple(
        sum(value for value in ours[name].to_pylist() if value) for name in FEATURES_OF_QUERY
    )
    if theirs is None or sums != tuple(int(value) for value in theirs):
        raise AssertionError(f"the sums differ: {sums} here, {theirs} in DuckDB")
    return [
        "",
        (
            f"Two of the features for {DUCKDB_ORDERS:,} orders ({', '.join(FEATURES_OF_QUERY)}) "
            f"took {ours_seconds:.2f} s here and {theirs_seconds:.2f} s with DuckDB's range "
            f"windows: **{theirs_seconds / ours_seconds:.1f} times as fast**. The sums agree."
        ),
    ]


if __name__ == "__main__":
    print(json.dumps(whole_catalogue(int(sys.argv[1]))))
