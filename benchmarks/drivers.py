"""The recent read of one order with psycopg2 and psycopg 3: as text, and with a generic plan.

psycopg2 is not a dependency of Ontem: `uv pip install psycopg2-binary` before this benchmark.
"""

import itertools
import os
import re
import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg.types.numeric import Int8

from features_pkg.identifiers import SINGLE_VALUED
from jobs.importing import import_orders
from ontem.generating import generate
from service.recent import ALL_ROWS, RECENT
from stores.postgres.connection import connect
from stores.postgres.merchants import add_merchant
from stores.postgres.migrate import migrate
from tests.servers import a_database, servers

ORDERS = int(os.environ.get("ONTEM_BENCH_ORDERS", "200000"))
READS = 600
END = datetime(2026, 5, 1, 12, tzinfo=UTC)
REACH = timedelta(hours=29)
TYPES = {"merchant_id": "bigint", "product": "text[]", "from_at": "timestamptz",
         "to_at": "timestamptz", "most_rows": "bigint"}  # fmt: skip

Values = dict[str, Any]
"""The values of the statement for one order, by name."""

Read = Callable[[Values], list[tuple[Any, ...]]]


def measure() -> list[str]:
    """The lines of a table of milliseconds per read; every way reads the same orders, in turn."""
    with servers() as started, a_database(started.postgres_url) as url:
        migrate(url, environment="development")
        reads = _reads(url)
        ways = {
            "psycopg2, text": _psycopg2_text(url),
            "psycopg2, `EXECUTE` of a generic plan": _psycopg2_prepared(url),
            "psycopg 3, text": _psycopg3(url, prepared=False),
            "psycopg 3, prepared, generic plan": _psycopg3(url, prepared=True),
        }
        for values in reads[:20]:
            rows = [sorted(map(repr, read(values)[1:])) for read in ways.values()]
            if any(other_rows != rows[0] for other_rows in rows):
                raise AssertionError("the drivers read different rows")
        milliseconds: dict[str, list[float]] = {name: [] for name in ways}
        for values, (name, read) in itertools.product(reads, ways.items()):
            start = time.perf_counter()
            read(values)
            milliseconds[name].append((time.perf_counter() - start) * 1000)
    return _table(milliseconds)


def _reads(url: str) -> list[Values]:
    """The values of a recent read for each of the newest orders, which are imported as well."""
    table = generate(ORDERS, 90, seed=1, end=END)
    with connect(url, application_name="bench") as connection:
        merchant_id = add_merchant(connection, "bench").merchant_id
        import_orders(connection, table, merchant_id)
    rows = table.slice(ORDERS - READS).to_pylist()
    return [
        {**{name: row[name] for name in SINGLE_VALUED}, "product": row["product"],
         "order_id": row["order_id"], "merchant_id": merchant_id,
         "from_at": row["event_at"] - REACH, "to_at": row["event_at"],
         "most_rows": Int8(ALL_ROWS)}
        for row in rows
    ]  # fmt: skip


def _psycopg2_text(url: str) -> Read:
    cursor = _psycopg2_cursor(url)
    statement = RECENT
    named = (f"%({name})s" for name in statement.names)
    by_number = {f"${number}": name for number, name in enumerate(named, 1)}
    text = re.sub(r"\$\d+", lambda found: by_number[found[0]], statement.text.decode())

    def read(values: Values) -> list[tuple[Any, ...]]:
        cursor.execute(text, values)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows

    return read


def _psycopg2_prepared(url: str) -> Read:
    cursor = _psycopg2_cursor(url)
    statement = RECENT
    types = ", ".join(TYPES.get(name, "text") for name in statement.names)
    cursor.execute(f"PREPARE recent ({types}) AS {statement.text.decode()}")
    execute = f"EXECUTE recent ({', '.join(f'%({name})s' for name in statement.names)})"

    def read(values: Values) -> list[tuple[Any, ...]]:
        cursor.execute(execute, values)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows

    return read


def _psycopg2_cursor(url: str) -> Any:
    try:
        import psycopg2
    except ModuleNotFoundError:
        sys.exit("this benchmark needs psycopg2: run `uv pip install psycopg2-binary`")
    connection = psycopg2.connect(url)
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute("SET TimeZone = 'UTC'; SET plan_cache_mode = force_generic_plan")
    return cursor


def _psycopg3(url: str, *, prepared: bool) -> Read:
    connection = connect(url, application_name="bench", autocommit=True)
    connection.execute("SET plan_cache_mode = force_generic_plan")
    statement = RECENT
    text = statement.text

    def read(values: Values) -> list[tuple[Any, ...]]:
        typed = {**values, "merchant_id": Int8(values["merchant_id"])}
        parameters = [typed[name] for name in statement.names]
        cursor = psycopg.RawCursor(connection)
        return cursor.execute(text, parameters, prepare=prepared, binary=True).fetchall()

    return read


def _table(milliseconds: dict[str, list[float]]) -> list[str]:
    lines = [
        f"## Drivers: the recent read of {READS} orders among {ORDERS:,}",
        "",
        "| way | p50 ms | p99 ms |",
        "|---|---|---|",
    ]
    for name, times in milliseconds.items():
        p99 = statistics.quantiles(times, n=100)[98]
        lines.append(f"| {name} | {statistics.median(times):.2f} | {p99:.2f} |")
    return lines
