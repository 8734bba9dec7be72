"""What the merchants of these tests send, and what is stored of it."""

import json
from typing import Any

from psycopg.types.numeric import Int8

from features_pkg.orders.fields.order import read_order
from features_pkg.orders.order import content_hash
from stores.postgres.connection import Connection
from tests.e2e.conftest import Shop
from tests.e2e.running import HttpAnswer


def an_order(**fields: Any) -> dict[str, Any]:
    return {"order_id": "o-1", "amount_cents": 1990, **fields}


def the_problem(answer: HttpAnswer, status: int) -> Any:
    """The body of an answer, which must be a problem of that status and show no traceback."""
    assert answer.status == status
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.body
    assert body["status"] == status
    assert body["type"] == f"urn:ontem:problem:{body['code']}"
    assert {"title", "detail"} <= set(body)
    assert answer.headers["x-request-id"] == body["request_id"]
    assert answer.headers["ontem-version"] == "2026-11-26"
    assert "Traceback" not in answer.content.decode()
    return body


def get(shop: Shop, path: str, **headers: str | None) -> HttpAnswer:
    return shop.client.send(
        "GET", path, **({"Authorization": f"Bearer {shop.client.key}"} | headers)
    )


def post_batch(shop: Shop, orders: Any, mode: str | None = None, **headers: str) -> HttpAnswer:
    batch = {"orders": orders} | ({"if_refused": mode} if mode else {})
    return post(shop, json.dumps(batch).encode(), **headers)


def post(
    shop: Shop, content: bytes, path: str = "/orders/batch", **headers: str | None
) -> HttpAnswer:
    standard = {"Content_Type": "application/json", "Authorization": f"Bearer {shop.client.key}"}
    return shop.client.send("POST", path, content, **(standard | headers))


def stored_orders(shop: Shop, columns: str = "order_id") -> list[Any]:
    return shop.database.execute(
        f"SELECT {columns} FROM orders WHERE merchant_id = %s ORDER BY order_id",  # type: ignore[arg-type]
        (shop.merchant.merchant_id,),
    ).fetchall()


def report(
    shop: Shop, order_id: Any = "o-1", clock: str | None = None, **fields: Any
) -> HttpAnswer:
    content = json.dumps({"order_id": order_id, **fields}).encode()
    return post(shop, content, "/chargebacks", Ontem_Clock=clock)


def stored_chargebacks(shop: Shop, columns: str) -> list[Any]:
    return shop.database.execute(
        f"SELECT {columns} FROM chargebacks WHERE merchant_id = %s ORDER BY chargeback_pk",  # type: ignore[arg-type]
        (shop.merchant.merchant_id,),
    ).fetchall()


def import_order(
    shop: Shop, order_id: str, event_at: str, session: Connection | None = None
) -> None:
    """An order as `ontem import` stores it: with a past of its own and no evaluation."""
    order = read_order(order_id, 1990, {"document": "529.982.247-25"})
    (session or shop.database).execute(
        "INSERT INTO orders (merchant_id, order_id, event_at, import_id, content_hash,"
        " amount_cents, document) VALUES (%s, %s, %s, 1, %s, %s, %s)",
        (
            Int8(shop.merchant.merchant_id),
            order_id,
            event_at,
            content_hash(order),
            order.amount_cents,
            order.document,
        ),
    )


def wait_for_a_blocked_session(shop: Shop) -> None:
    blocked = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock')"
    while shop.database.execute(blocked).fetchone() != (True,):
        pass
