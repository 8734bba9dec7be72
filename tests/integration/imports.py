"""Rows to import, and what became of them: a test says only what matters to it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from jobs.importing import Refusal
from stores.postgres.connection import Connection

NOON = datetime(2018, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


class Recorder:
    """A listener that remembers the refused rows."""

    def __init__(self) -> None:
        self.refusals: list[Refusal] = []

    def on_progress(self, rows: int, total: int | None) -> None: ...

    def on_store(self, rows: int) -> None: ...

    def on_refusal(self, refusal: Refusal) -> None:
        self.refusals.append(refusal)

    @property
    def rows(self) -> list[tuple[int, str | None, str, str]]:
        return [(row.row, row.order_id, row.field, row.reason) for row in self.refusals]


def an_order(order_id: str = "o1", **columns: Any) -> dict[str, Any]:
    return {"order_id": order_id, "event_at": NOON, "amount_cents": 1990, **columns}


def orders(*rows: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist(list(rows))


def read_rows(connection: Connection, columns: str, table: str = "orders") -> list[Any]:
    return connection.execute(f"SELECT {columns} FROM {table} ORDER BY 1").fetchall()
