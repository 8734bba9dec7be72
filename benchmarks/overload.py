"""More requests than there is room for: of a merchant above its limit, and of all merchants."""

import statistics
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Final

from benchmarks.load import Load, Target, clients
from benchmarks.open_loop import Answer, open_loop
from benchmarks.server import SERVE, process
from benchmarks.size import FEW_ORDERS, ORDERS, repetitions
from benchmarks.steady import PER_SECOND, SECONDS, p99, steady_milliseconds
from benchmarks.streams import bodies_of, wait_until_normal
from benchmarks.warm_stack import WarmStack, warm_stack
from stores.postgres.connection import connect
from stores.postgres.merchants import (
    MerchantExists,
    add_merchant,
    change_policy,
    find_merchant,
    issue_key,
)
from stores.settings import Settings

MOST_ORDERS: Final = 100_000
IS_REHEARSAL: Final = ORDERS < FEW_ORDERS
TURNS: Final = repetitions(10)
LIMIT: Final = 5 if IS_REHEARSAL else 50
"""Requests a second of the merchant that sends ten times as many."""
DEADLINE_MS: Final = 10_000 if IS_REHEARSAL else 150
"""A rehearsal may run on a busy machine, which must not be taken for stores that fail."""
CLIENTS: Final = 8
CAPACITY_REQUESTS: Final = repetitions(4_000)
OVERLOAD_SECONDS: Final = 1.0 if IS_REHEARSAL else 60.0
AFTERWARDS_SECONDS: Final = 1.0 if IS_REHEARSAL else 10.0
AFTERWARDS_SHARE: Final = 0.5


def measure() -> list[str]:
    """The lines of the section."""
    warm = warm_stack(min(ORDERS, MOST_ORDERS))
    flooding_key = _flooding_key(warm)
    with process(warm, SERVE, ONTEM_DEADLINE_MS=str(DEADLINE_MS)) as port:
        target, flooding = Target(port, warm.key), Target(port, flooding_key)
        wait_until_normal(target, warm)
        flood = _beside_a_flood(target, flooding, warm)
        overload = _overload(target, warm)
    return [
        "## More requests than there is room for",
        "",
        f"A service with one worker and a deadline of {DEADLINE_MS} ms.",
        "",
        *flood,
        "",
        *overload,
    ]


def _flooding_key(warm: WarmStack) -> str:
    url = Settings.from_environ(warm.environ).postgres_url
    with connect(url, application_name="bench", autocommit=True) as connection:
        with suppress(MerchantExists):
            add_merchant(connection, "flooding")
        change_policy(connection, "flooding", requests_per_second=LIMIT)
        return issue_key(connection, find_merchant(connection, "flooding")).text


def _beside_a_flood(target: Target, flooding: Target, warm: WarmStack) -> list[str]:
    """One merchant's times, alone and beside one that sends ten times what it may."""
    alone: list[float] = []
    beside: list[float] = []
    statuses: Counter[int] = Counter()
    for _ in range(TURNS):
        alone += steady_milliseconds(target, warm)
        prefix = f"flood-{time.time_ns()}"
        with open_loop([flooding], warm.live_orders, 10 * LIMIT, prefix) as answers:
            beside += steady_milliseconds(target, warm)
        statuses += Counter(each.status for each in answers.orders)
    return [
        (
            f"*One merchant above its limit*: {PER_SECOND} orders a second of a merchant, {TURNS} "
            f"times {SECONDS:g} s alone and then beside {10 * LIMIT} a second of another one, "
            f"whose limit is {LIMIT}; these are sent by a process on the same two processors. "
            "The goal is a p99 within 1.1 times."
        ),
        "",
        "| beside | p50, ms | p99, ms | by the p99 alone |",
        "|---|---|---|---|",
        f"| nobody | {statistics.median(alone):.2f} | {p99(alone):.2f} | 1.00 |",
        (
            f"| {_told(statuses)} | {statistics.median(beside):.2f} | {p99(beside):.2f} "
            f"| **{p99(beside) / p99(alone):.2f}** |"
        ),
    ]


def _overload(target: Target, warm: WarmStack) -> list[str]:
    """Three times what the service can do, then half of it."""
    capacity = _capacity(target, warm).per_second
    with _sent(target, warm, 3 * capacity) as crowd:
        time.sleep(OVERLOAD_SECONDS)
    ended = time.monotonic()
    with _sent(target, warm, AFTERWARDS_SHARE * capacity) as after:
        time.sleep(AFTERWARDS_SECONDS)
    good = [each for each in crowd if _is_good(each)]
    refused = [each.seconds * 1000 for each in crowd if each.status == 503]
    lasted = max(each.due for each in crowd) - min(each.due for each in crowd)
    goodput = len(good) / lasted
    late = [each.due - ended for each in after if not _is_good(each)]
    told = _told(Counter(each.status for each in crowd))
    return [
        (
            f"*Three times its capacity* for {OVERLOAD_SECONDS:g} s, then half of it; the capacity "
            f"is what {CLIENTS} clients got that wait for their answers. A good answer is a whole "
            f"one within the deadline. The clients, which have no patience, send {len(crowd):,} "
            "requests on the same two processors. The goals: 0.8 of the capacity in good answers, "
            "as ever within 5 s."
        ),
        "",
        (
            "| capacity, a second | sent, a second | good, a second | by the capacity "
            "| 503, p50 ms | as ever after, s | answers |"
        ),
        "|---|---|---|---|---|---|---|",
        (
            f"| {capacity:,.0f} | {len(crowd) / lasted:,.0f} | {goodput:,.0f} "
            f"| **{goodput / capacity:.2f}** | {_median(refused)} | {max(late, default=0.0):.1f} "
            f"| {told} |"
        ),
    ]


def _capacity(target: Target, warm: WarmStack) -> Load:
    bodies = bodies_of(warm)
    sent = [next(bodies) for _ in range(CAPACITY_REQUESTS)]
    with clients(CLIENTS) as them:
        return them.closed_loop(target, sent)


@contextmanager
def _sent(target: Target, warm: WarmStack, per_second: float) -> Iterator[list[Answer]]:
    """The answers, once all have come, to orders at that rate."""
    got: list[Answer] = []
    prefix = f"overload-{time.time_ns()}"
    with open_loop([target], warm.live_orders, per_second, prefix) as answers:
        yield got
    got += answers.orders


def _is_good(answer: Answer) -> bool:
    return answer.status == 200 and answer.is_normal and answer.seconds * 1000 <= DEADLINE_MS


def _told(statuses: Counter[int]) -> str:
    return ", ".join(
        f"{number:,} x {status or 'none'}" for status, number in statuses.most_common()
    )


def _median(times: Sequence[float]) -> str:
    return f"{statistics.median(times):.1f}" if times else "none"
