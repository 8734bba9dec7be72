"""`POST /evaluate` against a bare Flask echo, by 1, 4 and 8 clients, and at a fixed rate."""

import itertools
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from benchmarks.load import Clients, Load, Target, clients
from benchmarks.server import SERVE, SERVE_ECHO, process
from benchmarks.size import ORDERS, repetitions
from benchmarks.streams import bodies_of
from benchmarks.warm_stack import DAYS, warm_stack

CLIENTS: Final = (1, 4, 8)
ROUNDS: Final = repetitions(5)
PER_ROUND: Final = 240
"""Requests of a round and number of clients: what the live orders of the stack last for."""
OPEN_LOOP_SHARE: Final = 0.5
"""The rate of the open loop, as a share of what eight clients got."""


@dataclass
class Sides:
    """What the echo and the service did with the same bodies, in turn."""

    echo: list[Load] = field(default_factory=list)
    service: list[Load] = field(default_factory=list)

    def row(self, name: str) -> str:
        """The row of a table."""
        echo, service = _times(self.echo), _times(self.service)
        p50, p99 = _percentile(service, 50), _percentile(service, 99)
        base = _percentile(echo, 50)
        rates = [statistics.median(load.per_second for load in side)
                 for side in (self.echo, self.service)]  # fmt: skip
        return (
            f"| {name} | {base:.2f} | {p50:.2f} | **{p50 / base:.1f}** | {p99:.2f} | "
            f"{p99 / base:.1f} | {rates[0]:,.0f} | {rates[1]:,.0f} | {rates[1] / rates[0]:.2f} |"
        )


def measure() -> list[str]:
    """The lines of the section."""
    stack = warm_stack()
    bodies = bodies_of(stack)
    with process(stack, SERVE_ECHO) as echo_port, process(stack, SERVE) as port:
        echo, service = Target(echo_port, stack.key), Target(port, stack.key)
        rows = []
        for number in CLIENTS:
            with clients(number) as them:
                _turn(them, echo, service, _take(bodies, PER_ROUND), Sides())
                sides = Sides()
                for _ in range(ROUNDS):
                    _turn(them, echo, service, _take(bodies, PER_ROUND), sides)
                rows.append(sides.row(f"closed, {number}"))
                if number == CLIENTS[-1]:
                    rows.append(_open_loop(them, echo, service, sides, bodies))
    return _page(rows)


def _open_loop(
    them: Clients, echo: Target, service: Target, closed: Sides, bodies: Iterator[bytes]
) -> str:
    """The row of the fixed rate, half of what as many clients got of the service."""
    rate = statistics.median(load.per_second for load in closed.service) * OPEN_LOOP_SHARE
    sides = Sides()
    for _ in range(ROUNDS):
        sent = _take(bodies, PER_ROUND)
        sides.echo.append(them.open_loop(echo, sent, rate))
        sides.service.append(them.open_loop(service, sent, rate))
    return sides.row(f"open, {rate:,.0f} a second")


def _turn(
    them: Clients, echo: Target, service: Target, bodies: Sequence[bytes], sides: Sides
) -> None:
    sides.echo.append(them.closed_loop(echo, bodies))
    sides.service.append(them.closed_loop(service, bodies))


def _take(bodies: Iterator[bytes], number: int) -> list[bytes]:
    return list(itertools.islice(bodies, number))


def _times(loads: Sequence[Load]) -> list[float]:
    return [took for load in loads for took in load.milliseconds]


def _percentile(times: Sequence[float], percent: int) -> float:
    return statistics.quantiles(times, n=100)[percent - 1]


def _page(rows: Sequence[str]) -> list[str]:
    return [
        "## Serving: `POST /evaluate` by several clients, against a bare Flask echo",
        "",
        (
            f"Service and echo have one worker of the same gunicorn; the service has {ORDERS:,} "
            f"orders of {DAYS} days. Each body goes to the echo, then to the service. *Closed*: so "
            "many clients, each of which sends when it was answered. *Open*: eight clients at a "
            "fixed rate, whose times begin when a request was due."
        ),
        "",
        (
            "| loop | echo p50, ms | p50, ms | by the echo's | p99, ms | by the echo's p50 "
            "| echo, a second | a second | share |"
        ),
        "|---|---|---|---|---|---|---|---|---|",
        *rows,
    ]
