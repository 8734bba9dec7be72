"""Where the time of a `POST /evaluate` goes: stage by stage, of the processor and in waiting."""

import statistics
import sys
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final, get_args

import msgspec

from benchmarks.load import Load, Target, clients
from benchmarks.server import SERVE_ECHO, process
from benchmarks.size import ORDERS, repetitions
from benchmarks.staged_service import FILE, THREAD, WARM_UP, Times
from benchmarks.streams import bodies_of
from benchmarks.warm_stack import DAYS, WarmStack, warm_stack
from service.metrics.catalogue import Stage

SERVE_STAGED: Final = (sys.executable, "-m", "benchmarks.staged_service", "serve", "--bind")
ROUNDS: Final = repetitions(10)
PER_ROUND: Final = 100
STAGES: Final = tuple(stage for stage in get_args(Stage) if stage != "wait")
TOLD: Final = {
    "body": "JSON, and the canonical values of the order",
    "key": "whose the key is, from memory",
    "past": "both pasts; while PostgreSQL looks: the order's hash, Redis' answer, and what of the "
    "vector needs no recent past",
    "vector": "the rest of the vector",
    "score": "the model",
    "store": "order and evaluation stored; meanwhile the answer is made",
}


def measure() -> list[str]:
    """The lines of the section."""
    stack = warm_stack()
    with NamedTemporaryFile() as file:
        echo, service = _sent(stack, file.name)
        times = msgspec.json.decode(Path(file.name).read_bytes(), type=Times)
    return _page(echo, service, times)


def _sent(stack: WarmStack, file: str) -> tuple[Load, Load]:
    """What one client saw of both; the service has ended, and written its file, afterwards."""
    bodies = bodies_of(stack)
    loads: tuple[list[Load], list[Load]] = ([], [])
    with (
        clients(1) as one,
        process(stack, SERVE_ECHO) as echo_port,
        process(stack, SERVE_STAGED, **{FILE: file}) as port,
    ):
        sides = (Target(echo_port), Target(port, stack.key))
        for side in sides:
            one.closed_loop(side, list(islice(bodies, WARM_UP)))
        for _ in range(ROUNDS):
            sent = list(islice(bodies, PER_ROUND))
            for side, kept in zip(sides, loads, strict=True):
                kept.append(one.closed_loop(side, sent))
    echo, service = (
        Load([took for load in kept for took in load.milliseconds], sum(k.seconds for k in kept))
        for kept in loads
    )
    return echo, service


def _page(echo: Load, service: Load, times: Times) -> list[str]:
    processor, clock = _medians(times.processor), _medians(times.clock)
    loop = times.loop / len(times.processor[THREAD]) * 1e6
    rest = {
        side: whole[THREAD] - sum(whole[stage] for stage in STAGES)
        for side, whole in (("processor", processor), ("clock", clock))
    }
    whole, echo_us = (statistics.median(load.milliseconds) * 1000 for load in (service, echo))
    waited = clock[THREAD] - processor[THREAD]
    interpreter = loop + processor[THREAD]
    return [
        "## Where the time of a request goes",
        "",
        (
            f"One client sent {len(service.milliseconds):,} orders to a service with one worker "
            f"and {ORDERS:,} orders of {DAYS} days, in turn with an echo. The medians of its "
            "stages; what the loop did is a mean. A stopwatch takes a microsecond or two of each."
        ),
        "",
        "| | of the processor, µs | waiting, µs |",
        "|---|---|---|",
        f"| the loop: head, checks, body, what is sent next | {loop:.0f} | |",
        *(_row(f"`{stage}`: {TOLD[stage]}", processor[stage], clock[stage]) for stage in STAGES),
        _row(
            "the rest of its thread: gunicorn's environment, metrics, log, the answer sent",
            rest["processor"],
            rest["clock"],
        ),
        _row("**all of its thread**", processor[THREAD], clock[THREAD]),
        "",
        (
            f"By the client's clock a request took {whole:,.0f} µs, {whole / echo_us:.1f} times "
            f"the echo ({echo_us:,.0f} µs). Waiting is for PostgreSQL and Redis, and for the "
            "interpreter lock while the loop has it; the end of a thread's work is done when the "
            "client has its answer already."
        ),
        "",
        (
            f"**The limit.** Four times the echo is {4 * echo_us:,.0f} µs. Python alone takes "
            f"{interpreter:,.0f} µs, and the request waits another {waited:,.0f} µs. With "
            f"one interpreter lock, {interpreter:,.0f} µs are {1e6 / interpreter:,.0f} requests a "
            f"second of one process at most, where the echo makes {1e6 / echo_us:,.0f} for one "
            "client; more processes (`--workers`) are the way."
        ),
    ]


def _row(name: str, processor: float, clock: float) -> str:
    return f"| {name} | {processor:.0f} | {max(clock - processor, 0.0):.0f} |"


def _medians(seconds: Mapping[str, Sequence[float]]) -> dict[str, float]:
    return {name: statistics.median(each) * 1e6 for name, each in seconds.items()}
