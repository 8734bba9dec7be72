"""The rows of a file in a temporary table, and from there into the tables for good."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString, cast

from psycopg import sql

from jobs.importing.mapping import Kind
from jobs.importing.refusals import Refusal
from stores.postgres.connection import Connection

CREATE: Final[dict[Kind, LiteralString]] = {
    "orders": """
        CREATE TEMPORARY TABLE staged (
            row_number bigint, order_id text, event_at timestamptz, placed_at timestamptz,
            content_hash bytea, amount_cents bigint, "user" text, document text, email text,
            phone text, zip_code text, device text, ip text, card text, product text[],
            items jsonb, chargeback_at timestamptz
        ) ON COMMIT DROP""",
    "chargebacks": """
        CREATE TEMPORARY TABLE staged (
            row_number bigint, order_id text, kind text, chargeback_at timestamptz
        ) ON COMMIT DROP""",
}
COPY: Final = "COPY staged FROM STDIN (FORMAT csv)"

# Of an order that the file has twice, the first row is stored: a table that was just filled is
# read in the order in which it was.
STORE_ORDERS: Final = """
    WITH stored AS (
        INSERT INTO orders (merchant_id, order_id, event_at, placed_at, generation, import_id,
                            content_hash, amount_cents, "user", document, email, phone, zip_code,
                            device, ip, card, product, items)
        SELECT %(merchant_id)s, order_id, event_at, placed_at, (SELECT ontem_generation()),
               %(import_id)s,
               content_hash, amount_cents, "user", document, email, phone, zip_code, device, ip,
               card, product, items
        FROM staged
        ON CONFLICT (merchant_id, order_id) DO NOTHING
        RETURNING order_pk, event_at, product
    ), bought AS (
        INSERT INTO order_products (merchant_id, product, event_at, order_pk)
        SELECT %(merchant_id)s, one, stored.event_at, stored.order_pk
        FROM stored CROSS JOIN unnest(stored.product) AS one
        ORDER BY one, stored.event_at, stored.order_pk
    )
    SELECT count(*), min(event_at) FROM stored"""
OTHER_CONTENT: Final = """
    SELECT s.row_number, s.order_id FROM staged s
    JOIN orders o ON o.merchant_id = %(merchant_id)s AND o.order_id = s.order_id
    WHERE o.content_hash <> s.content_hash OR o.event_at <> s.event_at
    ORDER BY s.row_number"""
DROP_OTHER_CONTENT: Final = """
    DELETE FROM staged s USING orders o
    WHERE o.merchant_id = %(merchant_id)s AND o.order_id = s.order_id
      AND (o.content_hash <> s.content_hash OR o.event_at <> s.event_at)"""
STORE_CHARGEBACKS_OF_ORDERS: Final = """
    WITH stored AS (
        INSERT INTO chargebacks
            (merchant_id, order_id, event_at, reported_at, generation, import_id)
        SELECT %(merchant_id)s, order_id, chargeback_at, chargeback_at, (SELECT ontem_generation()),
               %(import_id)s
        FROM staged WHERE chargeback_at IS NOT NULL
        ON CONFLICT (merchant_id, order_id, kind, event_at) DO NOTHING
        RETURNING event_at
    )
    SELECT (SELECT count(*) FROM stored), (SELECT min(event_at) FROM stored),
           (SELECT count(*) FROM staged WHERE chargeback_at IS NOT NULL)"""
BEFORE_ITS_ORDER: Final = """
    SELECT s.row_number, s.order_id FROM staged s
    JOIN orders o ON o.merchant_id = %(merchant_id)s AND o.order_id = s.order_id
    WHERE s.chargeback_at < o.event_at
    ORDER BY s.row_number"""
STORE_CHARGEBACKS: Final = """
    WITH stored AS (
        INSERT INTO chargebacks (merchant_id, order_id, kind, event_at, reported_at, generation,
                                 import_id)
        SELECT %(merchant_id)s, s.order_id, s.kind, s.chargeback_at, s.chargeback_at,
               (SELECT ontem_generation()), %(import_id)s
        FROM staged s
        LEFT JOIN orders o ON o.merchant_id = %(merchant_id)s AND o.order_id = s.order_id
        WHERE o.order_pk IS NULL OR s.chargeback_at >= o.event_at
        ON CONFLICT (merchant_id, order_id, kind, event_at) DO NOTHING
        RETURNING event_at
    )
    SELECT count(*), min(event_at) FROM stored"""
SECONDARY_INDEXES: Final = """
    SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
    WHERE indrelid = 'orders'::regclass AND NOT indisunique
      AND NOT EXISTS (SELECT FROM orders)
      AND pg_has_role((SELECT relowner FROM pg_class WHERE oid = indrelid), 'USAGE')"""
MANY_ROWS: Final = 50_000
"""From how many on building the indexes of an empty table afterwards is worth locking it."""

WORTH_STATISTICS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of the staged rows; `earliest_at` is the first event that came anew."""

    orders_new: int = 0
    orders_known: int = 0
    chargebacks_new: int = 0
    chargebacks_known: int = 0
    refused: int = 0
    earliest_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Staging:
    """The staged rows of one import, within the transaction that will store them."""

    connection: Connection
    merchant_id: int
    import_id: int
    refuse: Callable[[Refusal], None]

    def store(self, kind: Kind, staged: int) -> Stored:
        """Store the staged rows, those that may be."""
        self.connection.execute("SET LOCAL work_mem = '128MB'")
        self.connection.execute("SET LOCAL maintenance_work_mem = '256MB'")
        self.connection.execute("ANALYZE staged")
        return self._orders(staged) if kind == "orders" else self._chargebacks(staged)

    def _orders(self, staged: int) -> Stored:
        indexes = self._drop_indexes() if staged >= MANY_ROWS else []
        new, first_order_at = self._row(STORE_ORDERS)
        for definition in indexes:
            self.connection.execute(sql.SQL(definition))
        refused = self._refuse_other_content() if new < staged else 0
        told, first_told_at, all_told = self._row(STORE_CHARGEBACKS_OF_ORDERS)
        if new >= WORTH_STATISTICS:
            self.connection.execute("ANALYZE orders, order_products, chargebacks")
        return Stored(
            orders_new=new,
            orders_known=staged - new - refused,
            chargebacks_new=told,
            chargebacks_known=all_told - told,
            refused=refused,
            earliest_at=min((at for at in (first_order_at, first_told_at) if at), default=None),
        )

    def _refuse_other_content(self) -> int:
        """Refuse the rows whose order is there with other content, and forget them."""
        self.connection.execute("ANALYZE orders")  # or the join below may be planned for no rows
        refused = self._refuse(OTHER_CONTENT, "order_id", "is there with other content")
        if refused:
            self.connection.execute(DROP_OTHER_CONTENT, self._parameters)
        return refused

    def _chargebacks(self, staged: int) -> Stored:
        """Those of orders that nobody knows yet are stored too: they wait."""
        self.connection.execute("ANALYZE orders")
        refused = self._refuse(BEFORE_ITS_ORDER, "chargeback_at", "is before its order")
        new, first_at = self._row(STORE_CHARGEBACKS)
        return Stored(
            chargebacks_new=new,
            chargebacks_known=staged - new - refused,
            refused=refused,
            earliest_at=first_at,
        )

    def _drop_indexes(self) -> list[LiteralString]:
        """Drop what only reads need of an empty table; returns how to make it again.

        None are dropped where there are orders already, or where the table is not ours.
        """
        found = self.connection.execute(SECONDARY_INDEXES).fetchall()
        for name, _ in found:
            self.connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(str(name))))
        return [cast(LiteralString, definition) for _, definition in found]

    def _row(self, statement: LiteralString) -> tuple[Any, ...]:
        row = self.connection.execute(statement, self._parameters).fetchone()
        return row or ()

    def _refuse(self, query: LiteralString, field: str, reason: str) -> int:
        """Say which rows are refused, one by one as they are found; returns how many."""
        count = 0
        with self.connection.cursor() as cursor:
            for row_number, order_id in cursor.stream(query, self._parameters):
                self.refuse(Refusal(cast(int, row_number), str(order_id), field, reason))
                count += 1
        return count

    @property
    def _parameters(self) -> dict[str, int]:
        return {"merchant_id": self.merchant_id, "import_id": self.import_id}
