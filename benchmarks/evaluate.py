"""`POST /evaluate` against a bare Flask echo: the same gunicorn, the same body, in turn."""

import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

from benchmarks.warm_stack import DAYS, ORDERS, PROJECT, WarmStack, warm_stack

WARM_UP = 200
ROUNDS = 8
A_ROUND = 100


class Client:
    """One client that keeps its connection, and how long each of its requests took."""

    def __init__(self, port: int, key: str) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self.milliseconds: list[float] = []

    def send(self, body: bytes) -> Any:
        """One request; the answer's JSON."""
        start = time.perf_counter()
        self.connection.request("POST", "/evaluate", body, self.headers)
        answer = self.connection.getresponse()
        content = answer.read()
        self.milliseconds.append((time.perf_counter() - start) * 1000)
        if answer.status != http.HTTPStatus.OK:
            raise AssertionError(f"answered {answer.status}: {content.decode()}")
        return json.loads(content)


def measure() -> list[str]:
    """The lines of the page."""
    stack = warm_stack()
    serve = [sys.executable, "-m", "ontem", "serve", "--bind"]
    bare = [sys.executable, "-m", "benchmarks.echo"]
    with process(stack, bare) as echo_port, process(stack, serve) as port:
        echo, service = Client(echo_port, stack.key), Client(port, stack.key)
        bodies = _bodies(stack)
        _turn(echo, service, islice(bodies, WARM_UP))
        echo.milliseconds.clear()
        service.milliseconds.clear()
        answers = []
        for _ in range(ROUNDS):
            answers += _turn(echo, service, islice(bodies, A_ROUND))
    scored = sum(answer["score"] is not None for answer in answers)
    if scored != len(answers):
        raise AssertionError(f"only {scored} of {len(answers)} orders were scored")
    return _page(echo.milliseconds, service.milliseconds)


def _bodies(stack: WarmStack) -> Iterator[bytes]:
    """Orders that nobody has sent yet, also when the run is repeated."""
    while stack.live:
        yield json.dumps(stack.live.pop(0)).encode()


def _turn(echo: Client, service: Client, bodies: Iterator[bytes]) -> list[Any]:
    """The same orders to both, first all to the one, then all to the other."""
    content = list(bodies)
    for body in content:
        echo.send(body)
    return [service.send(body) for body in content]


@contextmanager
def process(stack: WarmStack, words: Sequence[str]) -> Iterator[int]:
    """A server in a process of its own that takes the listening socket; its port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as gunicorn's own bind
        os.set_inheritable(listening.fileno(), True)
        port = listening.getsockname()[1]
        running = subprocess.Popen(
            [*words, f"fd://{listening.fileno()}"],
            cwd=stack.folder,
            env=stack.environ | {"PYTHONPATH": str(PROJECT), "ONTEM_LOG_LEVEL": "INFO"},
            pass_fds=(listening.fileno(),),
            stdout=subprocess.DEVNULL,
        )
    try:
        yield port
    finally:
        running.terminate()
        running.wait(30)


def _page(echo: list[float], service: list[float]) -> list[str]:
    ratio = statistics.median(service) / statistics.median(echo)
    lines = [
        "## `POST /evaluate` against a bare Flask echo",
        "",
        (
            f"{len(service):,} generated orders to a service with {ORDERS:,} orders of {DAYS} "
            "days, one worker, one client that keeps its connection; the same bodies to the echo, "
            "in turn."
        ),
        "",
        "| | p50, ms | p90, ms | p99, ms |",
        "|---|---|---|---|",
    ]
    for name, times in (("echo", echo), ("/evaluate", service)):
        shares = statistics.quantiles(times, n=100)
        lines.append(f"| {name} | {shares[49]:.2f} | {shares[89]:.2f} | {shares[98]:.2f} |")
    return [
        *lines,
        "",
        f"The median is **{ratio:.1f} times** that of the echo; at most 10 is asked.",
    ]
