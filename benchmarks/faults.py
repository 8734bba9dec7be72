"""Faults of the stores under a fixed rate of orders: who is answered when, and what is stored.

`ONTEM_BENCH_FAULTS="both are frozen,Redis flaps"` chooses some of them.
"""

import os
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from benchmarks.faulty_service import DEADLINE_MS, FAULTS, Break, FaultyService, a_faulty_service
from benchmarks.open_loop import Answer, Answers, open_loop
from benchmarks.size import FEW_ORDERS, ORDERS
from benchmarks.stored_rows import check_rows
from benchmarks.streams import orders_from_anywhere, wait_until_normal
from benchmarks.warm_stack import warm_stack

MOST_ORDERS: Final = 100_000
PER_SECOND: Final = 50
"""What leaves room for the clients and the proxies on two processors."""
SOON_MS: Final = DEADLINE_MS + 20
WORST_MS: Final = DEADLINE_MS + 100
IS_REHEARSAL: Final = ORDERS < FEW_ORDERS
BEFORE, MEANWHILE, AFTERWARDS = (0.2, 0.5, 2.0) if IS_REHEARSAL else (1.0, 4.0, 6.0)
"""The seconds without the fault, with it, and without it again."""
REHEARSED: Final = ("Redis is frozen", "PostgreSQL refuses")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one fault: the answers since it began, and when it ended (monotonic)."""

    orders: Sequence[Answer]
    livez: Sequence[Answer]
    ended: float

    @property
    def soon(self) -> float:
        """The share of the orders that were answered within the deadline and 20 ms."""
        in_time = sum(each.status != 0 and each.seconds * 1000 <= SOON_MS for each in self.orders)
        return in_time / len(self.orders)

    @property
    def seconds_until_normal(self) -> float | None:
        """How long after the fault orders were still not as ever; None if they never became so."""
        later = sorted((each.due, each.is_normal) for each in self.orders if each.due > self.ended)
        if not later or not later[-1][1]:
            return None
        return max((due - self.ended for due, is_normal in later if not is_normal), default=0.0)

    def row(self, name: str) -> str:
        """The row of a table."""
        kinds = Counter(_kind(each) for each in self.orders)
        worst, livez = (1000 * max(each.seconds for each in of) for of in (self.orders, self.livez))
        normal = self.seconds_until_normal
        told = ", ".join(f"{number} {kind}" for kind, number in kinds.most_common())
        return (
            f"| {name} | {self.soon:.1%} | {worst:.0f} | {livez:.0f} "
            f"| {'never' if normal is None else f'{normal:.1f}'} | {told} |"
        )


def measure() -> list[str]:
    """The lines of the section; fails when an order was lost or doubled."""
    warm = warm_stack(min(ORDERS, MOST_ORDERS))
    with a_faulty_service(warm) as service:
        outcomes = {name: _outcome(service, FAULTS[name], name) for name in _chosen()}
    return [
        "## Faults of the stores",
        "",
        (
            f"{PER_SECOND} orders a second, whatever is answered, and `/livez` 20 times a second, "
            f"to a service with one worker, {min(ORDERS, MOST_ORDERS):,} orders and a deadline of "
            f"{DEADLINE_MS} ms. Each fault lasts {MEANWHILE:g} s, and its figures are of those "
            f"and the {AFTERWARDS:g} s after it. The goals: 99% answered within {SOON_MS} ms, "
            f"none after {WORST_MS} ms, `/livez` within 100 ms, as ever within 5 s after. After "
            "each, what was not recorded was sent again, and all rows were compared with all "
            "answers: nothing was lost or doubled."
        ),
        "",
        (
            f"| fault | within {SOON_MS} ms | slowest, ms | `/livez`, ms | as ever after, s "
            "| answers |"
        ),
        "|---|---|---|---|---|---|",
        *(outcome.row(name) for name, outcome in outcomes.items()),
    ]


def _chosen() -> Sequence[str]:
    if chosen := os.environ.get("ONTEM_BENCH_FAULTS"):
        return chosen.split(",")
    return REHEARSED if IS_REHEARSAL else tuple(FAULTS)


def _outcome(service: FaultyService, break_it: Break, name: str) -> Outcome:
    prefix = f"{name.replace(' ', '-')}-{time.time_ns()}"
    orders = orders_from_anywhere(service.warm)
    wait_until_normal(service.target, service.warm)
    with open_loop([service.target], orders, PER_SECOND, prefix) as answers:
        time.sleep(BEFORE)
        begun = time.monotonic()
        with break_it(service):
            time.sleep(MEANWHILE)
        ended = time.monotonic()
        time.sleep(AFTERWARDS)
    with service.owner() as session:
        check_rows(session, service.target, orders, answers.orders, prefix)
    return Outcome(*_since(begun, answers), ended)


def _since(begun: float, answers: Answers) -> tuple[list[Answer], list[Answer]]:
    return (
        [each for each in answers.orders if each.due >= begun],
        [each for each in answers.livez if each.due >= begun],
    )


def _kind(answer: Answer) -> str:
    if answer.status != 200:
        return f"{answer.status}" if answer.status else "broken off"
    if not answer.is_recorded:
        return "not recorded"
    return "degraded" if answer.is_degraded else "normal"
