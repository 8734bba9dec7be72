"""What is stored after a fault, against what was answered."""

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from benchmarks.load import Connection, Target
from benchmarks.open_loop import Answer
from stores.postgres.connection import Connection as Session

MOST_SECONDS: Final = 10.0
"""How long an order is sent again: on a busy machine some miss the deadline."""


def check_rows(
    session: Session,
    target: Target,
    orders: Sequence[Mapping[str, Any]],
    answers: Sequence[Answer],
    prefix: str,
) -> None:
    """Raise AssertionError unless each order that was sent is stored once, as it was answered.

    What was not answered as recorded is sent again, and gets what is stored by then.
    """
    evaluation_ids = {each.order_id: each.evaluation_id for each in answers if each.is_recorded}
    client = Connection(target.port)
    for each in answers:
        if not each.is_recorded:
            number = int(each.order_id.rsplit("-", 1)[1])
            order = {**orders[number % len(orders)], "order_id": each.order_id}
            evaluation_ids[each.order_id] = _recorded(client, target, order)
    rows = session.execute(
        "SELECT o.order_id, e.evaluation_id::text FROM orders o"
        " LEFT JOIN evaluations e USING (order_pk) WHERE o.order_id ^@ %s",
        (f"{prefix}-",),
    ).fetchall()
    if sorted(rows) != sorted(evaluation_ids.items()):
        wrong = sorted(set(evaluation_ids.items()) ^ {(str(a), str(b)) for a, b in rows})
        raise AssertionError(f"{len(rows)} rows of {len(evaluation_ids)} orders; {wrong[:4]}")


def _recorded(client: Connection, target: Target, order: Mapping[str, Any]) -> str:
    """The id of the evaluation of an order that is sent until it is recorded."""
    request = target.request(json.dumps(order).encode())
    give_up = time.monotonic() + MOST_SECONDS
    while time.monotonic() < give_up:
        answer = json.loads(client.exchange(request))
        if answer["recorded"]:
            return str(answer["evaluation_id"])
    raise AssertionError(f"order {order['order_id']} is still not recorded")
