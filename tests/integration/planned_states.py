"""What PostgreSQL may know of the tables when it makes a plan, and plans to look through."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from stores.postgres.connection import connect

FILL = """
    INSERT INTO orders (merchant_id, order_id, event_at, content_hash, amount_cents, import_id,
                        document, zip_code, seller, product)
    SELECT CASE WHEN n % 10 = 0 THEN 2 + n % 7 ELSE 1 END, 'o' || n,
           now() - (20000 - n) * interval '30 seconds', sha256(n::text::bytea), 1990, 1,
           'd' || n % 500,
           CASE WHEN n % 10 < 3 THEN '01310100' ELSE 'z' || n % 3000 END, 's' || n % 20,
           ARRAY['p' || n % 500]
    FROM generate_series(1, 20000) n;
    INSERT INTO order_products SELECT merchant_id, unnest(product), event_at, order_pk FROM orders;
    INSERT INTO chargebacks (merchant_id, order_id, event_at, reported_at, import_id)
    SELECT merchant_id, order_id, now() - n * interval '1 minute', now(), 1
    FROM (SELECT *, row_number() OVER () AS n FROM orders WHERE merchant_id = 1) o WHERE n <= 1000;
    INSERT INTO imports (merchant_id, kind, source, sha256)
    SELECT 1 + n % 9, 'orders', 'a file', sha256('x') FROM generate_series(1, 2000) n;
"""
TABLES = (
    "orders, order_products, chargebacks, chargeback_entities, evaluations, api_keys, merchants,"
    " imports"
)
LOSE_STATISTICS = """
    SELECT pg_clear_relation_stats('public', relname),
           (SELECT count(pg_clear_attribute_stats('public', relname, attname, false))
            FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped)
    FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
"""
STATES = {
    "empty": "",
    "known to be empty": f"VACUUM ANALYZE {TABLES}",
    "full, and thought to be empty": FILL,
    "full": f"VACUUM ANALYZE {TABLES}",
    "full, without statistics": LOSE_STATISTICS,
}
NOBODY, EVERYBODY = 0, 1
"""The merchants that plans are made for: none, as in a rehearsal, and one of most of the orders."""


def each_state(url: str) -> Iterator[str]:
    """The states of the tables, each once the database is in it; it is left in the last one."""
    with connect(url, application_name="tests", autocommit=True) as connection:
        connection.execute(
            "INSERT INTO merchants (name) SELECT 'm' || n FROM generate_series(1, 9) n"
        )
        for state, statements in STATES.items():
            for statement in filter(str.strip, statements.split(";")):
                connection.execute(statement.encode())
            yield state


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


def scans(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [n for n in nodes(plan) if "Relation Name" in n and n["Node Type"] != "ModifyTable"]
