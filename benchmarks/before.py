"""The life before the feature store: the same features from PostgreSQL alone, in the request."""

import json
import statistics
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Final

from benchmarks.load import Connection, Target
from benchmarks.server import SERVE, SERVE_BEFORE, process
from benchmarks.size import histories, repetitions
from benchmarks.streams import bodies_of
from benchmarks.warm_stack import DAYS, WarmStack, settable_clock, warm_stack
from stores.postgres.connection import connect
from stores.settings import Settings

WARM_UP: Final = repetitions(20)
MOST_ORDERS: Final = repetitions(400)
MOST_SECONDS: Final = 120.0
"""When no more orders are sent for a size: with long histories the other way takes seconds."""
PATIENCE: Final = {"ONTEM_DEADLINE_MS": "60000", "ONTEM_STATEMENT_TIMEOUT_MS": "30000"}


@dataclass
class Ways:
    """The milliseconds of both ways for the same orders at the same instants."""

    ours: list[float] = field(default_factory=list)
    before: list[float] = field(default_factory=list)

    def row(self, size: int) -> str:
        """The row of a table."""
        means, p50s = map(statistics.mean, self._both), map(statistics.median, self._both)
        (mean, mean_before), (p50, p50_before) = means, p50s
        return (
            f"| {size:,} | {len(self.ours)} | {mean:.2f} | {mean_before:.2f} "
            f"| **{mean_before / mean:.1f}** | {p50:.2f} | {p50_before:.2f} "
            f"| {p50_before / p50:.1f} |"
        )

    @property
    def _both(self) -> tuple[list[float], list[float]]:
        return self.ours, self.before


def measure() -> list[str]:
    """The lines of the section."""
    rows = []
    for size in histories():
        with settable_clock(warm_stack(size)) as stack:
            rows.append(_ways(stack).row(size))
    return [
        "## The life before the feature store",
        "",
        (
            "The same service without Redis: the recent read has no lower bound, on the same "
            "indexes and prepared, and the request counts all that lies before the snapshot's day. "
            "It looks up the merchant's first order once. One client asks both for the same order "
            f"at the same instant, in turn, with histories of {DAYS} days. Each sends that instant "
            "as `Ontem-Clock`, which costs both the same. The two vectors of every order were "
            "compared and are equal."
        ),
        "",
        (
            "| orders | asked | mean, ms | mean before, ms | times | p50, ms | p50 before, ms "
            "| times |"
        ),
        "|---|---|---|---|---|---|---|---|",
        *rows,
    ]


def _ways(stack: WarmStack) -> Ways:
    """Both ways for orders of a stack, whose vectors are all equal."""
    ways, ids = Ways(), list[str]()
    bodies = bodies_of(stack)
    with ExitStack() as opened:
        ports = [
            opened.enter_context(process(stack, command, **PATIENCE))
            for command in (SERVE, SERVE_BEFORE)
        ]
        connections = [Connection(port) for port in ports]
        for body in islice(bodies, WARM_UP):
            _ask_both(stack, connections, ports, body, swapped=False)
        started = time.monotonic()
        for number, body in enumerate(islice(bodies, MOST_ORDERS)):
            took = _ask_both(stack, connections, ports, body, swapped=bool(number % 2))
            ways.ours.append(took[0])
            ways.before.append(took[1])
            ids.append(json.loads(body)["order_id"])
            if time.monotonic() - started > MOST_SECONDS:
                break
    _check_vectors(stack, ids)
    return ways


def _ask_both(
    stack: WarmStack,
    connections: Sequence[Connection],
    ports: Sequence[int],
    body: bytes,
    *,
    swapped: bool,
) -> list[float]:
    """How long each way takes for an order, which counts for neither of the two."""
    clock = {"Ontem-Clock": datetime.now(UTC).isoformat()}
    took = [0.0, 0.0]
    for way in (1, 0) if swapped else (0, 1):
        request = Target(ports[way], stack.key, clock).request(_own(body, way))
        start = time.perf_counter()
        connections[way].exchange(request)
        took[way] = (time.perf_counter() - start) * 1000
    return took


def _own(body: bytes, way: int) -> bytes:
    """The order under an id of its own for each way."""
    order = json.loads(body)
    return json.dumps({**order, "order_id": f"{order['order_id']}-{way}"}).encode()


def _check_vectors(stack: WarmStack, order_ids: Sequence[str]) -> None:
    """Raise AssertionError unless both ways stored the same vector of each order."""
    url = Settings.from_environ(stack.environ).postgres_url
    with connect(url, application_name="bench", autocommit=True) as connection:
        rows = connection.execute(
            "SELECT order_id, vector FROM evaluations WHERE order_id = ANY (%s)",
            ([f"{order_id}-{way}" for order_id in order_ids for way in (0, 1)],),
        ).fetchall()
    vectors = {str(order_id): vector for order_id, vector in rows}
    for order_id in order_ids:
        ours, before = (vectors.get(f"{order_id}-{way}") for way in (0, 1))
        if ours is None or ours != before:
            raise AssertionError(f"the two vectors of order {order_id} differ")
