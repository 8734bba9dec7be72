"""Rows as imports and nights write them, for the worlds of explanations."""

import hashlib
import json
from typing import Any

from features_pkg.calendar import from_us
from features_pkg.history.past_orders import PastOrder
from features_pkg.identifiers import SINGLE_VALUED, Identifier
from stores.postgres.connection import Connection
from stores.postgres.loads import NewLoad


def sent(order: PastOrder) -> dict[str, Any]:
    """The order as its merchant sends it."""
    body: dict[str, Any] = {"order_id": order.order_id, "amount_cents": order.amount_cents}
    body |= {n: v for n in SINGLE_VALUED for v in order.identifiers[n]}
    items = order.identifiers[Identifier.PRODUCT]
    return body | {"items": [{"product": p, "quantity": 1, "amount_cents": 1} for p in items]}


def database_url(database: Connection) -> str:
    info = database.info
    return f"postgresql://{info.user}:{info.password}@{info.host}:{info.port}/{info.dbname}"


def store_order(database: Connection, merchant_id: int, order: PastOrder) -> None:
    """An order as an import stores it."""
    values = {str(n): next(iter(order.identifiers.get(n, ())), None) for n in SINGLE_VALUED} | {
        "merchant_id": merchant_id,
        "order_id": order.order_id,
        "event_at": from_us(order.at_us),
        "amount_cents": order.amount_cents,
        "product": list(order.values(Identifier.PRODUCT)),
        "content_hash": hashlib.sha256(json.dumps(str(order)).encode()).digest(),
    }
    columns = ", ".join(f'"{name}"' for name in values)
    marks = ", ".join(f"%({name})s" for name in values)
    database.execute(
        f"WITH stored AS (INSERT INTO orders ({columns}, import_id) VALUES ({marks}, 1)"
        " RETURNING *) INSERT INTO order_products (merchant_id, product, event_at, order_pk)"
        " SELECT merchant_id, unnest(product), event_at, order_pk FROM stored".encode(),
        values,
    )


def note_load(database: Connection, load_id: int, load: NewLoad) -> None:
    """The row of a load with an id that Redis has."""
    database.execute(
        "INSERT INTO loads (load_id, as_of, cutoff, watermark, generation, timelines,"
        " entity_key_id, revision, snapshot_id, metadata_location, withdrawn_at)"
        " VALUES (%s, %s, %s, %s::text::xid8, %s, %s, %s, %s, 1, '', now())",
        (load_id, load.as_of, load.cutoff, str(load.watermark), load.generation, load.timelines,
         load.entity_key_id, load.revision),
    )  # fmt: skip
