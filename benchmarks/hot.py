"""Orders of one CEP that was in 100,000 orders in a day, beside the same orders of other CEPs.

Every vector is compared with the features that `point_in_time` counts from all rows.
"""

import json
import statistics
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.load import Connection, Target
from benchmarks.recount import differences
from benchmarks.server import SERVE, process
from benchmarks.size import FEW_ORDERS, ORDERS, repetitions
from benchmarks.streams import bodies_of, wait_until_normal
from benchmarks.warm_stack import ImportedStack, WarmStack, warm_stack

MOST_ORDERS: Final = 100_000
CEP: Final = "01310100"
IS_REHEARSAL: Final = ORDERS < FEW_ORDERS
OF_CEP: Final = 6_000 if IS_REHEARSAL else 100_000
SECONDS: Final = 10_000 if IS_REHEARSAL else 86_000
CHARGED_BACK: Final = OF_CEP // 100
WARM_UP: Final = repetitions(200)
ASKED: Final = repetitions(1_000)
SETTLING_SECONDS: Final = 120.0


def measure() -> list[str]:
    """The lines of the section; fails when a vector differs from the recount."""
    stack = _stack()
    hot: list[float] = []
    ordinary: list[float] = []
    ids: list[str] = []
    bodies = bodies_of(stack)
    with process(stack, SERVE) as port:
        target, client = Target(port, stack.key), Connection(port)
        wait_until_normal(target, stack)
        _wait_until_held(target, stack)
        for number, body in enumerate(islice(bodies, WARM_UP + ASKED)):
            order = json.loads(body)
            of_cep = {**order, "order_id": f"{order['order_id']}-cep", "zip_code": CEP}
            for kind, times in ((order, ordinary), (of_cep, hot)):
                took, answer = _ask(client, target, kind)
                if number >= WARM_UP:
                    times.append(took)
                    ids += [kind["order_id"]] if answer["score"] is not None else []
    different = differences(stack, ids)
    return _page(ordinary, hot, len(ids), different)


def _stack() -> WarmStack:
    """The stack with the CEP's orders; in a rehearsal they come after the night."""
    if not IS_REHEARSAL:
        return warm_stack(min(ORDERS, MOST_ORDERS), prepare=import_crowd)
    stack = warm_stack()
    import_crowd(stack)
    return stack


def import_crowd(stack: ImportedStack | WarmStack) -> None:
    """Import the orders of the CEP, each of a person of its own, and their chargebacks."""
    random = np.random.default_rng(1)
    now = datetime.now(UTC)
    ago = np.sort(random.uniform(300, SECONDS, OF_CEP))[::-1]
    event_at = [now - timedelta(seconds=float(seconds)) for seconds in ago]
    charged_back = [
        now - timedelta(seconds=float(seconds) * 0.5) if number < CHARGED_BACK else None
        for number, seconds in enumerate(ago)
    ]
    table = pa.table(
        {
            "order_id": [f"crowd-{now:%s}-{number}" for number in range(OF_CEP)],
            "event_at": pa.array(event_at, pa.timestamp("us", "UTC")),
            "amount_cents": random.integers(100, 100_000, OF_CEP),
            "zip_code": [CEP] * OF_CEP,
            "user": [f"crowd-{number % (OF_CEP // 2)}" for number in range(OF_CEP)],
            "device": [f"crowd-{number % (OF_CEP // 3)}" for number in range(OF_CEP)],
            "email": [f"crowd{number}@example.com" for number in range(OF_CEP)],
            "chargeback_at": pa.array(charged_back, pa.timestamp("us", "UTC")),
        }
    )
    pq.write_table(table, stack.folder / "crowd.parquet")
    stack.ontem("import", "crowd.parquet", "--merchant", "bench")


def _ask(client: Connection, target: Target, order: dict[str, Any]) -> tuple[float, Any]:
    """How long an order takes, in milliseconds, and its answer."""
    request = target.request(json.dumps(order).encode())
    start = time.perf_counter()
    answer = client.exchange(request)
    return (time.perf_counter() - start) * 1000, json.loads(answer)


def _wait_until_held(target: Target, stack: WarmStack) -> None:
    """Until an order of the CEP is scored: the process holds what it did."""
    client, bodies = Connection(target.port), bodies_of(stack)
    give_up = time.monotonic() + SETTLING_SECONDS
    while time.monotonic() < give_up:
        order = {**json.loads(next(bodies)), "zip_code": CEP}
        if _ask(client, target, order)[1]["score"] is not None:
            return
    raise AssertionError("the orders of the CEP are never scored")


def _page(
    ordinary: Sequence[float], hot: Sequence[float], compared: int, different: int
) -> list[str]:
    base = statistics.median(ordinary)
    rows = []
    for name, times in (("other CEPs", ordinary), ("the CEP", hot)):
        p50, p99 = statistics.median(times), statistics.quantiles(times, n=100)[98]
        rows.append(f"| {name} | {p50:.2f} | {p99:.2f} | **{p50 / base:.2f}** |")
    return [
        "## A hot CEP",
        "",
        (
            f"One CEP was in {OF_CEP:,} orders of the last day and in {CHARGED_BACK:,} of its "
            f"chargebacks. One client sends {len(hot):,} orders of the stack as they are and, in "
            "turn, with that CEP, to a service with one worker. The goal is at most 1.5 times "
            f"the p50. Of {compared:,} scored vectors **{different}** differ from the features "
            "that `point_in_time` counts from all rows afterwards."
        ),
        "",
        "| orders of | p50, ms | p99, ms | by the others' p50 |",
        "|---|---|---|---|",
        *rows,
    ]
