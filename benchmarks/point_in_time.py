"""`features_pkg.notebook.point_in_time` against DuckDB's range windows, and how its time grows."""

import json
import resource
import subprocess
import sys
import time
from datetime import UTC, datetime

import duckdb
import pyarrow as pa

import features_pkg
from ontem.generating import generate

SIZES = (250_000, 500_000, 1_000_000)
DUCKDB_ORDERS = 200_000
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
SAME_FEATURES = ("device_orders_7d_recent", "device_distinct_card_orders_7d_recent")


def orders_table(orders: int) -> pa.Table:
    """Generated orders of a year, of one merchant."""
    table = generate(orders, 365, 1, datetime(2026, 1, 1, tzinfo=UTC))
    return table.append_column("merchant_id", pa.array([1] * orders, pa.int64()))


def whole_catalogue(orders: int) -> dict[str, float]:
    """Seconds, gigabytes at the peak and values of the whole catalogue, in this process."""
    table = orders_table(orders)
    start = time.perf_counter()
    done = features_pkg.notebook.point_in_time(table)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return {"seconds": seconds, "gigabytes": peak, "values": orders * (done.num_columns - 1)}


def measure() -> list[str]:
    """The lines of the page."""
    runs = {size: _in_a_process_of_its_own(size) for size in SIZES}
    lines = [
        "## Point in time: the whole catalogue for every order",
        "",
        (
            f"{len(features_pkg.CATALOGUE)} features, generated orders of one merchant and a year. "
            "The peak is the whole process's, with the orders and the result."
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


def _in_a_process_of_its_own(orders: int) -> dict[str, float]:
    words = [sys.executable, "-m", "benchmarks.point_in_time", str(orders)]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _against_duckdb() -> list[str]:
    orders = orders_table(DUCKDB_ORDERS)
    start = time.perf_counter()
    ours = features_pkg.notebook.point_in_time(orders, SAME_FEATURES)
    ours_seconds = time.perf_counter() - start
    connection = duckdb.connect()
    connection.register("orders", orders)
    start = time.perf_counter()
    theirs = connection.execute(DUCKDB_QUERY).fetchone()
    theirs_seconds = time.perf_counter() - start
    sums = tuple(sum(v for v in ours[name].to_pylist() if v) for name in SAME_FEATURES)
    if theirs is None or sums != tuple(int(value) for value in theirs):
        raise AssertionError(f"the sums differ: {sums} here, {theirs} in DuckDB")
    return [
        "",
        (
            f"The same two features of {DUCKDB_ORDERS:,} orders ({', '.join(SAME_FEATURES)}; "
            f"the sums agree): {ours_seconds:.2f} s here, "
            f"{theirs_seconds:.2f} s by DuckDB's range windows: "
            f"**{theirs_seconds / ours_seconds:.1f} times as fast**."
        ),
    ]


if __name__ == "__main__":
    print(json.dumps(whole_catalogue(int(sys.argv[1]))))
