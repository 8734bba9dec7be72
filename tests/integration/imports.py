"""Rows to import, and what became of them: a test says only what matters to it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from jobs.importing import Refusal
from stores.postgres.connection import Connection, connect

NOON = datetime(2018, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
ENVIRON = {  # import and generate use neither Redis nor files
    "ONTEM_ENVIRONMENT": "development",
    "ONTEM_REDIS_URL": "redis://127.0.0.1:1",
    "ONTEM_STORAGE_URL": "file:///nowhere",
    "ONTEM_ENTITY_KEY": "0a" * 32,
}
SHOP = ("--merchant", "shop", "--create-merchant")
HEADER = "order_id,event_at,amount_cents,user,product,items,chargeback_at\n"
GOOD = 'a,2018-06-01T12:00:00Z,1990,u1,"[""x"",""y""]",,\n'


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


def a_file(text: str, name: str = "orders.csv", encoding: str = "utf-8") -> str:
    Path(name).write_text(text, encoding=encoding)
    return name


def rows(database_url: str, query: str) -> list[Any]:
    with connect(database_url, application_name="test") as connection:
        return connection.execute(query).fetchall()  # type: ignore[arg-type]
