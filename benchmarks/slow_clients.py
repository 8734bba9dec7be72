"""Orders at a fixed rate, without and beside clients that have no key and are slow or too many."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final

from benchmarks.load import Target
from benchmarks.server import SERVE, process
from benchmarks.size import ORDERS, repetitions
from benchmarks.steady import PER_SECOND, SECONDS, Steady
from benchmarks.streams import wait_until_normal
from benchmarks.unknown_keys import unknown_keys
from benchmarks.warm_stack import warm_stack

MOST_ORDERS: Final = 100_000
SLOW: Final = 50
FLOODING: Final = 60
TURNS: Final = repetitions(10)
HEAD: Final = b"POST /evaluate HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n"
THREE_BYTES: Final = HEAD[:3]


def measure() -> list[str]:
    """The lines of the section."""
    warm = warm_stack(min(ORDERS, MOST_ORDERS))
    alone = Steady()
    beside = {kind: Steady() for kind in CROWDS}
    with process(warm, SERVE) as port:
        target = Target(port, warm.key)
        wait_until_normal(target, warm)
        for _ in range(TURNS):
            alone.send(target, warm)
            for kind, crowd in CROWDS.items():
                with crowd(port):
                    beside[kind].send(target, warm)
    for kind, steady in {"nobody": alone, **beside}.items():
        steady.check(kind)
    rows = [
        f"| {kind} | {got.p50:.2f} | {got.p99:.2f} | **{got.p99 / alone.p99:.2f}** | {got.whole} |"
        for kind, got in beside.items()
    ]
    return [
        "## Clients without a key",
        "",
        (
            f"{PER_SECOND} orders a second to a service with one worker, {TURNS} times "
            f"{SECONDS:g} s alone and then beside the others of each kind, which come again "
            "when they are refused. The goal is at most 1.5 times the p99 without them."
        ),
        "",
        "| others | p50 of the orders, ms | p99, ms | by the p99 without them | whole answers |",
        "|---|---|---|---|---|",
        f"| none | {alone.p50:.2f} | {alone.p99:.2f} | 1.00 | {alone.whole} |",
        *rows,
    ]


@contextmanager
def slow_clients(port: int, number: int, *, dripping: bool) -> Iterator[None]:
    """Inside, so many clients have begun a request; one that is closed connects anew."""
    began, ended = threading.Event(), threading.Event()
    crowd = _Crowd(port, number, HEAD[:1] if dripping else THREE_BYTES, dripping, began)
    thread = threading.Thread(target=lambda: asyncio.run(crowd.be_slow_until(ended)))
    thread.start()
    try:
        began.wait()
        yield
    finally:
        ended.set()
        thread.join()


@dataclass
class _Crowd:
    """Clients that are slow together."""

    port: int
    number: int
    beginning: bytes
    drips: bool
    all_began: threading.Event
    began: int = 0

    async def be_slow_until(self, ended: threading.Event) -> None:
        clients = [asyncio.create_task(self._client()) for _ in range(self.number)]
        while not ended.is_set():
            await asyncio.sleep(0.1)
        for client in clients:
            client.cancel()
        await asyncio.gather(*clients, return_exceptions=True)

    async def _client(self) -> None:
        is_first = True
        while True:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            writer.write(self.beginning)
            self.began += is_first
            is_first = False
            if self.began == self.number:
                self.all_began.set()
            closed = asyncio.create_task(reader.read())
            try:
                await self._wait(closed, writer)
            finally:
                closed.cancel()
                writer.close()

    async def _wait(self, closed: "asyncio.Task[bytes]", writer: asyncio.StreamWriter) -> None:
        """Until the service closes; one that drips sends a byte of its head each second."""
        rest = iter(HEAD[len(self.beginning) :] if self.drips else b"")
        while not closed.done():
            await asyncio.wait({closed}, timeout=1)
            if (byte := next(rest, None)) is not None and not closed.done():
                writer.write(bytes([byte]))


CROWDS: Final[Mapping[str, Callable[[int], AbstractContextManager[None]]]] = {
    f"{SLOW} that send three bytes": partial(slow_clients, number=SLOW, dripping=False),
    f"{SLOW} that send a byte a second": partial(slow_clients, number=SLOW, dripping=True),
    f"{FLOODING} that go on with unknown keys": partial(unknown_keys, number=FLOODING),
}
"""What is beside the orders, of a port."""
