"""The rows of a file in a temporary table, and from there into the tables for good.

The templates `import_*.sql.j2` move the rows; here are only the temporary table and its upkeep.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString, cast

from psycopg import Cursor, Rollback, sql

from features_pkg.queries import with_parameters
from jobs.importing.mapping import FileKind
from jobs.importing.refusals import Refusal
from stores.postgres.connection import Connection

CREATE_TABLE: Final[dict[FileKind, LiteralString]] = {
    "orders": """
        CREATE TEMPORARY TABLE staged (
            row_number bigint, order_id text, event_at timestamptz, placed_at timestamptz,
            content_hash bytea, amount_cents bigint, "user" text, document text, email text,
            phone text, zip_code text, device text, ip text, card text, seller text, product text[],
            items jsonb, chargeback_at timestamptz
        )""",
    "chargebacks": """
        CREATE TEMPORARY TABLE staged (
            row_number bigint, order_id text, kind text, chargeback_at timestamptz
        )""",
}
DROP_TABLE: Final = "DROP TABLE IF EXISTS pg_temp.staged"
COPY_ROWS: Final = "COPY staged FROM STDIN (FORMAT csv)"

DROPPABLE_INDEXES: Final = """
    SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
    WHERE indrelid = 'orders'::regclass AND NOT indisunique
      AND NOT EXISTS (SELECT FROM orders)
      AND pg_has_role((SELECT relowner FROM pg_class WHERE oid = indrelid), 'USAGE')"""
REINDEX_ROWS: Final = 50_000
"""A first import of so many rows is faster if it builds the indexes afterwards.

Dropping them locks the table, which nobody minds while it is empty.
"""
LOCK_PAUSE_SECONDS: Final = 0.01
"""How long until an import tries again to take the locks of its orders."""
ANALYZE_ROWS: Final = 1_000
"""So many new orders make PostgreSQL's statistics wrong."""


@dataclass(frozen=True, slots=True)
class StagingResult:
    """How many of the staged rows were new, already stored (`known`), or refused."""

    orders_new: int = 0
    orders_known: int = 0
    orders_at_another_instant: int = 0
    chargebacks_new: int = 0
    chargebacks_known: int = 0
    chargebacks_waiting: int = 0
    refused: int = 0
    ids_trimmed: int = 0
    """How many chargebacks met their order only without the `.0` at the end of its id."""
    earliest_at: datetime | None = None
    """The first new event; None when nothing is new."""


@dataclass(frozen=True, slots=True)
class Staging:
    """The staged rows of one import, within the transaction that stores them."""

    connection: Connection
    merchant_id: int
    import_id: int
    refuse: Callable[[Refusal], None]

    def store(self, kind: FileKind, rows: int) -> StagingResult:
        """Store the staged `rows`, except those that must be refused."""
        self.connection.execute("SET LOCAL work_mem = '128MB'")
        self.connection.execute("SET LOCAL maintenance_work_mem = '256MB'")
        self.connection.execute("ANALYZE staged")
        self.connection.execute("SET LOCAL ontem.importing = on")
        stored = self._store_orders(rows) if kind == "orders" else self._store_chargebacks(rows)
        self._add_chargeback_entities(kind)
        self.connection.execute("SET LOCAL ontem.importing = off")  # the caller may store more
        return stored

    def _store_orders(self, rows: int) -> StagingResult:
        indexes = self._drop_indexes() if rows >= REINDEX_ROWS else []
        orders_new, first_order_at = self._store("import_orders")
        for definition in indexes:
            self.connection.execute(sql.SQL(definition))
        refused, at_another_instant = 0, 0
        if orders_new < rows:
            refused = self._refuse_other_content()
            (at_another_instant,) = self._counts(
                "import_other_instant", merchant_id=self.merchant_id
            )
        chargebacks_new, first_chargeback_at, chargebacks = self._store("import_order_chargebacks")
        if orders_new >= ANALYZE_ROWS:
            self.connection.execute("ANALYZE orders, order_products, chargebacks")
        return StagingResult(
            orders_new=orders_new,
            orders_known=rows - orders_new - refused,
            orders_at_another_instant=at_another_instant,
            chargebacks_new=chargebacks_new,
            chargebacks_known=chargebacks - chargebacks_new,
            refused=refused,
            earliest_at=min(
                (at for at in (first_order_at, first_chargeback_at) if at), default=None
            ),
        )

    def _refuse_other_content(self) -> int:
        """Refuse and unstage the rows whose order is stored with other content; how many."""
        self.connection.execute("ANALYZE orders")  # or the join may be planned for no rows
        return self._refuse(
            "import_other_content", "order_id", "is already stored with other content"
        )

    def _store_chargebacks(self, rows: int) -> StagingResult:
        """Store the chargebacks; those of unknown orders wait for their order."""
        self.connection.execute("ANALYZE orders")
        (ids_trimmed,) = self._counts("import_trimmed_ids", merchant_id=self.merchant_id)
        refused = self._refuse("import_early_chargebacks", "chargeback_at", "is before its order")
        new, first_at, waiting = self._store("import_chargebacks")
        return StagingResult(
            chargebacks_new=new,
            chargebacks_known=rows - new - refused,
            chargebacks_waiting=waiting,
            refused=refused,
            ids_trimmed=ids_trimmed,
            earliest_at=first_at,
        )

    def _add_chargeback_entities(self, kind: FileKind) -> None:
        """Do at once what triggers do for each live order or chargeback.

        An import of chargebacks holds up live orders with its locks. So it takes only those of
        orders that it does not find without.
        """
        if kind == "chargebacks":
            self._execute("import_chargeback_entities", merchant_id=self.merchant_id)
        while not self._lock_orders(is_shared=kind == "orders"):
            time.sleep(LOCK_PAUSE_SECONDS)
        self._execute("import_chargeback_entities", merchant_id=self.merchant_id)

    def _lock_orders(self, *, is_shared: bool) -> bool:
        """Take the locks of the staged orders, all or none: who waits for one holds no other."""
        with self.connection.transaction() as savepoint:
            (are_taken,) = self._counts(
                "import_order_locks", merchant_id=self.merchant_id, is_shared=is_shared
            )
            if not are_taken:
                raise Rollback(savepoint)
        return bool(are_taken)

    def _drop_indexes(self) -> list[LiteralString]:
        """Drop the indexes that only reads need; the statements that build them again.

        Drops none where there are orders already, or where another role owns the table.
        """
        indexes = self.connection.execute(DROPPABLE_INDEXES).fetchall()
        for name, _ in indexes:
            self.connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(str(name))))
        return [cast(LiteralString, definition) for _, definition in indexes]

    def _store(self, template: str) -> tuple[Any, ...]:
        """The counts that a template which stores rows gives."""
        return self._counts(template, merchant_id=self.merchant_id, import_id=self.import_id)

    def _counts(self, template: str, **values: object) -> tuple[Any, ...]:
        """The one row that a template gives."""
        return self._execute(template, **values).fetchone() or ()

    def _execute(self, template: str, **values: object) -> Cursor[tuple[Any, ...]]:
        query, parameters = with_parameters(template, values)
        return self.connection.execute(query.encode(), parameters)

    def _refuse(self, template: str, field: str, reason: str) -> int:
        """Refuse the rows that a template finds, without holding them in memory; how many."""
        query, parameters = with_parameters(template, {"merchant_id": self.merchant_id})
        count = 0
        with self.connection.cursor() as cursor:
            for row_number, order_id in cursor.stream(query.encode(), parameters):
                self.refuse(Refusal(cast(int, row_number), str(order_id), field, reason))
                count += 1
        return count
