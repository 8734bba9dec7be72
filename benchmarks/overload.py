"""More requests than there is room for: of a merchant above its limit, and of all merchants."""

import statistics
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

import psutil

from benchmarks.load import MOST_POOR, Load, Target, clients
from benchmarks.open_loop import Answer, Answers, open_loop
from benchmarks.server import SERVE, SERVE_ECHO, process, server
from benchmarks.size import FEW_ORDERS, ORDERS, repetitions
from benchmarks.steady import PER_SECOND, SECONDS, Steady
from benchmarks.streams import bodies_of, orders_from_anywhere, wait_until_normal
from benchmarks.warm_stack import WarmStack, warm_stack
from stores.postgres.connection import connect
from stores.postgres.issued_keys import issue_key
from stores.postgres.merchants import MerchantExists, add_merchant, change_policy, find_merchant
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
    serve = server(warm, SERVE, ONTEM_DEADLINE_MS=str(DEADLINE_MS))
    with serve as (port, running), process(warm, SERVE_ECHO) as echo_port:
        target, flooding = Target(port, warm.key), Target(port, flooding_key)
        wait_until_normal(target, warm)
        flood = _beside_a_flood(target, Target(echo_port), flooding, warm)
        overload = _overload(target, warm, running.pid)
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


def _beside_a_flood(target: Target, echo: Target, flooding: Target, warm: WarmStack) -> list[str]:
    """One merchant's times, alone and beside others, in turns.

    The echo, another process, gets the requests of the flood: what these cost the machine.
    """
    alone = _Beside("nobody")
    others = [
        _Beside(f"an echo that gets {10 * LIMIT} a second", echo, 10 * LIMIT),
        _Beside(f"another merchant at its limit, {LIMIT} a second", flooding, LIMIT),
        _Beside(f"that merchant with {10 * LIMIT} a second", flooding, 10 * LIMIT),
    ]
    rows = (alone, *others)
    for _ in range(TURNS):
        for row in rows:
            row.send(target, warm)
    for row in rows:
        row.steady.check(row.name)
    limit, flood = others[-2].steady, others[-1].steady
    return [
        (
            f"*One merchant above its limit*: {PER_SECOND} orders a second of a merchant, {TURNS} "
            f"times {SECONDS:g} s alone, beside {10 * LIMIT} a second that a process on the same "
            "two processors sends to an echo, beside another merchant that sends to the service as "
            f"many as it may, {LIMIT} a second, and beside ten times as many of that. The goal "
            f"is a p99 within 1.1 times. By that of the merchant at its limit it is "
            f"**{flood.p99 / limit.p99:.2f}** times."
        ),
        "",
        "| beside | p50, ms | p99, ms | by the p99 alone | whole answers | the others' answers |",
        "|---|---|---|---|---|---|",
        *(
            f"| {row.name} | {row.steady.p50:.2f} | {row.steady.p99:.2f} "
            f"| **{row.steady.p99 / alone.steady.p99:.2f}** | {row.steady.whole} "
            f"| {_told(row.statuses)} |"
            for row in rows
        ),
    ]


@dataclass(slots=True)
class _Beside:
    """What a merchant's orders got beside the requests that somebody else sent."""

    name: str
    target: Target | None = None
    per_second: int = 0
    steady: Steady = field(default_factory=Steady)
    statuses: Counter[int] = field(default_factory=Counter)
    """Those of the others."""

    def send(self, target: Target, warm: WarmStack) -> None:
        """Send the merchant's orders, and meanwhile the others' requests."""
        if self.target is None:
            self.steady.send(target, warm)
            return
        prefix = f"flood-{time.time_ns()}"
        orders = orders_from_anywhere(warm)
        with open_loop([self.target], orders, self.per_second, prefix) as answers:
            self.steady.send(target, warm)
        self.statuses += Counter(each.status for each in answers.orders)


def _overload(target: Target, warm: WarmStack, pid: int) -> list[str]:
    """Three times what the service can do, then half of it.

    What it can do is measured before and after, since the machine may slow down meanwhile.
    """
    closed = _closed_loop(target, warm)
    rate = closed.per_second
    processes = [psutil.Process(pid), *psutil.Process(pid).children()]
    with _sent(target, warm, 3 * rate) as sent:
        began, took = time.monotonic(), _processor_seconds(processes)
        time.sleep(OVERLOAD_SECONDS)
        ended = time.monotonic()
        service = (_processor_seconds(processes) - took) / (ended - began)
    crowd = sent.orders
    with _sent(target, warm, AFTERWARDS_SHARE * rate) as afterwards:
        time.sleep(AFTERWARDS_SECONDS)
    again = _closed_loop(target, warm)
    capacity, poor = (rate + again.per_second) / 2, closed.poor + again.poor
    after = afterwards.orders
    good = [each for each in crowd if _is_good(each)]
    refused = [each.seconds * 1000 for each in crowd if each.status == 503]
    lasted = max(each.due for each in crowd) - min(each.due for each in crowd)
    goodput = len(good) / lasted
    late = [each.due - ended for each in after if not _is_good(each)]
    told = _told(Counter(each.status for each in crowd))
    return [
        (
            f"*Three times its capacity* for {OVERLOAD_SECONDS:g} s, then half of it; the capacity "
            f"is what {CLIENTS} clients got that wait for their answers, {rate:,.0f} a second "
            f"before and {again.per_second:,.0f} afterwards ({poor} of {2 * CAPACITY_REQUESTS:,} "
            "were not whole, and do not count). A good answer is a whole "
            f"one within the deadline. The clients, which have no patience, send {len(crowd):,} "
            f"requests. Of the two processors they take {sent.processors:.2f}, the service "
            f"{service:.2f}, and what PostgreSQL and Redis need is to be had of the rest. The "
            "goals: 0.8 of the capacity in good answers, as ever within 5 s."
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


def _closed_loop(target: Target, warm: WarmStack) -> Load:
    bodies = bodies_of(warm)
    sent = [next(bodies) for _ in range(CAPACITY_REQUESTS)]
    with clients(CLIENTS) as them:
        return them.closed_loop(target, sent, most_poor=10 * MOST_POOR)


@contextmanager
def _sent(target: Target, warm: WarmStack, per_second: float) -> Iterator[Answers]:
    """The answers, once all have come, to orders at that rate."""
    prefix = f"overload-{time.time_ns()}"
    with open_loop([target], orders_from_anywhere(warm), per_second, prefix) as answers:
        yield answers


def _processor_seconds(processes: Sequence[psutil.Process]) -> float:
    times = [each.cpu_times() for each in processes]
    return sum(each.user + each.system for each in times)


def _is_good(answer: Answer) -> bool:
    return answer.status == 200 and answer.is_normal and answer.seconds * 1000 <= DEADLINE_MS


def _told(statuses: Counter[int]) -> str:
    return ", ".join(
        f"{number:,} x {status or 'none'}" for status, number in statuses.most_common()
    )


def _median(times: Sequence[float]) -> str:
    return f"{statistics.median(times):.1f}" if times else "none"
