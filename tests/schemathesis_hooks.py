"""What JSON Schema can't say of a merchant's requests, for a run of schemathesis (docs/api.md).

Only requests that are right by the schema are changed: each gets an `Idempotency-Key` of its own,
each order and report an order's id of its own; a report is not of the future; whole numbers are
written without a decimal point; and what stands in the place of an order is strict JSON: texts that
can be stored, and not nested deeper than 8.
"""

from datetime import UTC, datetime
from itertools import count
from typing import Any

import schemathesis

DEEPEST = 7

_numbers = count()


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Make the case a request that a merchant's program could send."""
    if case.meta is not None and not case.meta.generation.mode.is_positive:
        return
    if case.headers and "Idempotency-Key" in case.headers:
        case.headers["Idempotency-Key"] = f"key-{next(_numbers)}"
    if not isinstance(case.body, dict):
        return
    case.body = _strict(case.body, 1)
    reports = [case.body] if case.path.endswith("/chargebacks") else []
    for order in (*reports, *case.body.get("orders", ())):
        if isinstance(order, dict) and isinstance(order.get("order_id"), str):
            order["order_id"] = f"order-{next(_numbers)}"
    if str(case.body.get("reported_at", "")) >= datetime.now(UTC).isoformat()[:10]:
        del case.body["reported_at"]


def _strict(value: Any, depth: int) -> Any:
    if isinstance(value, dict | list) and depth > DEEPEST:
        return None
    if isinstance(value, dict):
        return {_storable(name): _strict(each, depth + 1) for name, each in value.items()}
    if isinstance(value, list):
        return [_strict(each, depth + 1) for each in value]
    if isinstance(value, str):
        return _storable(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _storable(text: str) -> str:
    return text.replace("\0", "").encode("utf-8", "ignore").decode()
