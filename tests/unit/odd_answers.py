"""A client of an odd server, an order, and answers to it."""

import json
from typing import Any

from ontem_client import Client, Order
from tests.unit.odd_server import OddServer, answer

KEY = "ontem_0123456789abcdef_" + "s3cret" * 6
ORDER = Order(order_id="o-1", amount_cents=1, document="52998224725")
EVALUATION: dict[str, Any] = {
    "evaluation_id": "0d5e5a3c-8f36-4f4e-9d68-6ad4c0a5b001", "order_id": "o-1", "score": 0.25,
    "decision": "allow", "model": "m", "feature_set": "f", "as_of": "2018-06-01", "stale": False,
    "degraded": False, "missing": [], "card_replaced": False,
    "evaluated_at": "2018-06-01T15:00:00Z", "recorded": True,
}  # fmt: skip
GOOD = answer(json.dumps(EVALUATION).encode())


def problem(status: str, code: str, **headers: str) -> bytes:
    content = {"code": code, "detail": "no", "request_id": "of-the-service"}
    return answer(json.dumps(content).encode(), status, "application/problem+json", **headers)


OVERLOADED = problem("503 Service Unavailable", "overloaded", Retry_After="0")
LIMITED = problem("429 Too Many Requests", "rate_limited", Retry_After="0")


def a_client(server: OddServer, **options: Any) -> Client:
    return Client(f"http://127.0.0.1:{server.port}", KEY, **{"deadline": 30, **options})
