"""`POST /evaluate` against a bare Flask echo: the same gunicorn and the same bodies, in turn."""

import http.client
import json
import statistics
import time
from collections.abc import Iterator
from itertools import islice
from typing import Any

from benchmarks.server import SERVE, SERVE_ECHO, process
from benchmarks.size import ORDERS, repetitions
from benchmarks.streams import bodies_of
from benchmarks.warm_stack import DAYS, warm_stack

WARM_UP = repetitions(200)
ROUNDS = repetitions(8)
ORDERS_PER_ROUND = 100


class Client:
    """A client that keeps its connection open, and how long each of its requests took."""

    def __init__(self, port: int, key: str) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self.milliseconds: list[float] = []

    def send(self, body: bytes) -> Any:
        """The JSON answer to one order."""
        start = time.perf_counter()
        self.connection.request("POST", "/evaluate", body, self.headers)
        response = self.connection.getresponse()
        content = response.read()
        self.milliseconds.append((time.perf_counter() - start) * 1000)
        if response.status != http.HTTPStatus.OK:
            raise AssertionError(f"the answer is {response.status}: {content.decode()}")
        return json.loads(content)


def measure() -> list[str]:
    """The lines of the section."""
    stack = warm_stack()
    with process(stack, SERVE_ECHO) as echo_port, process(stack, SERVE) as port:
        echo, service = Client(echo_port, stack.key), Client(port, stack.key)
        bodies = bodies_of(stack)
        _send_to_both(echo, service, islice(bodies, WARM_UP))
        echo.milliseconds.clear()
        service.milliseconds.clear()
        answers = []
        for _ in range(ROUNDS):
            answers += _send_to_both(echo, service, islice(bodies, ORDERS_PER_ROUND))
    scored = sum(answer["score"] is not None for answer in answers)
    if scored != len(answers):
        raise AssertionError(f"only {scored} of {len(answers)} orders were scored")
    return _page(echo.milliseconds, service.milliseconds)


def _send_to_both(echo: Client, service: Client, bodies: Iterator[bytes]) -> list[Any]:
    """The service's answers to orders that are all sent to the echo first."""
    orders = list(bodies)
    for body in orders:
        echo.send(body)
    return [service.send(body) for body in orders]


def _page(echo: list[float], service: list[float]) -> list[str]:
    base = statistics.median(echo)
    ratio, tail = statistics.median(service) / base, statistics.quantiles(service, n=100)[98] / base
    lines = [
        "## `POST /evaluate` against a bare Flask echo",
        "",
        (
            f"One client sent {len(service):,} generated orders over one connection to a service "
            f"with one worker and {ORDERS:,} orders of {DAYS} days. It sent the same bodies to the "
            "echo, in turn."
        ),
        "",
        "| | p50, ms | p90, ms | p99, ms |",
        "|---|---|---|---|",
    ]
    for name, times in (("echo", echo), ("/evaluate", service)):
        percentiles = statistics.quantiles(times, n=100)
        p50, p90, p99 = percentiles[49], percentiles[89], percentiles[98]
        lines.append(f"| {name} | {p50:.2f} | {p90:.2f} | {p99:.2f} |")
    return [
        *lines,
        "",
        (
            f"The median is **{ratio:.1f} times** that of the echo, and the 99th percentile "
            f"{tail:.1f} times; the goals are at most 4 and 12 times."
        ),
    ]
