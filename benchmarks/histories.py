"""`POST /evaluate` with histories of several sizes and a bare Flask echo, all in turn."""

import statistics
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import islice
from typing import Final

from benchmarks.load import Target, clients
from benchmarks.server import SERVE, SERVE_ECHO, process
from benchmarks.size import histories, repetitions
from benchmarks.streams import bodies_of
from benchmarks.warm_stack import DAYS, warm_stack

WARM_UP: Final = repetitions(200)
ROUNDS: Final = repetitions(10)
PER_ROUND: Final = 100


def measure() -> list[str]:
    """The lines of the section."""
    stacks = {size: warm_stack(size) for size in histories()}
    bodies = {size: bodies_of(stack) for size, stack in stacks.items()}
    with ExitStack() as opened:
        any_stack = next(iter(stacks.values()))
        echo = Target(opened.enter_context(process(any_stack, SERVE_ECHO)))
        services = {
            size: Target(opened.enter_context(process(stack, SERVE)), stack.key)
            for size, stack in stacks.items()
        }
        client = opened.enter_context(clients(1))
        times: dict[int, list[float]] = {size: [] for size in stacks}
        echo_times: list[float] = []
        for size, target in services.items():
            client.closed_loop(target, list(islice(bodies[size], WARM_UP)))
        for _ in range(ROUNDS):
            for size, target in services.items():
                sent = list(islice(bodies[size], PER_ROUND))
                echo_times += client.closed_loop(echo, sent).milliseconds
                times[size] += client.closed_loop(target, sent).milliseconds
    return _page(echo_times, times)


def _page(echo: Sequence[float], times: dict[int, list[float]]) -> list[str]:
    base = statistics.median(echo)
    smallest = statistics.median(times[min(times)])
    rows = []
    for size, each in times.items():
        p50, p99 = statistics.median(each), statistics.quantiles(each, n=100)[98]
        rows.append(
            f"| {size:,} | {p50:.2f} | {p50 / base:.1f} | {p99:.2f} | {p99 / base:.1f} "
            f"| **{p50 / smallest:.2f}** |"
        )
    return [
        "## Growth with history: `POST /evaluate` by the number of orders",
        "",
        (
            f"One client, a service with one worker for each history of {DAYS} days, and the echo "
            f"({base:.2f} ms): all up at the same time and asked in turn, {PER_ROUND} orders each, "
            f"{ROUNDS} times. The goal is at most 1.25 times the smallest one's p50."
        ),
        "",
        (
            "| orders | p50, ms | by the echo's | p99, ms | by the echo's p50 "
            "| by the smallest's p50 |"
        ),
        "|---|---|---|---|---|---|",
        *rows,
    ]
