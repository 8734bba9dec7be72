"""Orders for files and tables of every kind, and their content hashes."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from features_pkg.orders.fields.order import read_order
from features_pkg.orders.order import content_hash
from tests.parity.doors import CARD_KEY

AT = datetime(2024, 3, 1, 12, tzinfo=UTC)


def order(order_id: str = "a", cents: int = 1990, **identifiers: Any) -> bytes:
    products = identifiers.pop("product", ())
    return content_hash(
        read_order(order_id, cents, identifiers, products=products, card_key=CARD_KEY)
    )


def columns(rows: int = 1, **more: Any) -> dict[str, Any]:
    ids = [chr(ord("a") + row) for row in range(rows)]
    return {"order_id": ids, "event_at": [AT] * rows, "amount_cents": [1990] * rows, **more}


def a_parquet(folder: Path, table: pa.Table, **options: Any) -> Path:
    pq.write_table(table, folder / "orders.parquet", **options)
    return folder / "orders.parquet"
