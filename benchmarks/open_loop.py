"""Orders at a fixed rate by one process, over as many connections as it takes, and `/livez` beside.

A time begins when a request was due, so a service that stalls is not spared what would have come.
"""

import asyncio
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection as Pipe
from typing import Any, Final

from benchmarks.load import Target

LIVEZ_SECONDS: Final = 0.05
MOST_SECONDS: Final = 60.0
"""When an answer no longer counts as coming."""
BROKEN: Final = 0
"""The status of a request whose connection ended without an answer."""
LIVEZ: Final = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Answer:
    """What one request got: when it was due (monotonic), and the seconds from then on."""

    due: float
    seconds: float
    status: int
    order_id: str = ""
    body: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_recorded(self) -> bool:
        """Whether the service said that the order is stored."""
        return self.status == 200 and bool(self.body["recorded"])

    @property
    def is_normal(self) -> bool:
        """Whether nothing was missing."""
        return self.is_recorded and not self.body["degraded"]


@dataclass(slots=True)
class Answers:
    """All that came of a run."""

    orders: list[Answer] = field(default_factory=list)
    livez: list[Answer] = field(default_factory=list)


@contextmanager
def open_loop(
    target: Target, orders: Sequence[Mapping[str, Any]], per_second: float, prefix: str
) -> Iterator[Answers]:
    """Inside, the orders are sent at that rate under ids of their own; afterwards the answers."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    sender = context.Process(target=_send, args=(theirs, target, orders, per_second, prefix))
    sender.start()
    answers = Answers()
    try:
        ours.recv()  # the first one is due
        yield answers
    finally:
        ours.send("stop")
        got = ours.recv()
        sender.join()
        answers.orders, answers.livez = got.orders, got.livez


def _send(
    pipe: Pipe,
    target: Target,
    orders: Sequence[Mapping[str, Any]],
    per_second: float,
    prefix: str,
) -> None:
    answers = asyncio.run(_Sender(target).run(pipe, orders, per_second, prefix))
    pipe.send(answers)


class _Sender:
    """Keeps connections that are free, and makes one where there is none."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self._answers = Answers()

    async def run(
        self, pipe: Pipe, orders: Sequence[Mapping[str, Any]], per_second: float, prefix: str
    ) -> Answers:
        """Send until the pipe says stop, and wait for the last answers."""
        pipe.send("started")
        begun, tasks, stopped = time.monotonic(), set[asyncio.Task[None]](), asyncio.Event()
        health = asyncio.create_task(self._ask_livez(stopped))
        number = 0
        while not pipe.poll():
            due = begun + number / per_second
            await asyncio.sleep(max(due - time.monotonic(), 0))
            order_id = f"{prefix}-{number}"
            order = {**orders[number % len(orders)], "order_id": order_id}
            tasks.add(asyncio.create_task(self._evaluate(due, order_id, order)))
            number += 1
        await asyncio.gather(*tasks)
        stopped.set()
        await health
        return self._answers

    async def _evaluate(self, due: float, order_id: str, order: Mapping[str, Any]) -> None:
        request = self._target.request(json.dumps(order).encode())
        status, body = await self._exchange(request)
        seconds = time.monotonic() - due
        content = json.loads(body) if status else {}
        self._answers.orders.append(Answer(due, seconds, status, order_id, content))

    async def _ask_livez(self, stopped: asyncio.Event) -> None:
        while not stopped.is_set():
            due = time.monotonic()
            status, _ = await self._exchange(LIVEZ)
            self._answers.livez.append(Answer(due, time.monotonic() - due, status))
            await asyncio.sleep(max(due + LIVEZ_SECONDS - time.monotonic(), 0))

    async def _exchange(self, request: bytes) -> tuple[int, bytes]:
        """The status and body; a connection that ended while it was idle is exchanged."""
        try:
            async with asyncio.timeout(MOST_SECONDS):
                while self._free:
                    try:
                        return await self._on(*self._free.pop(), request)
                    except (asyncio.IncompleteReadError, OSError) as error:
                        if getattr(error, "partial", b""):
                            return BROKEN, b""
                opened = await asyncio.open_connection("127.0.0.1", self._target.port)
                return await self._on(*opened, request)
        except (asyncio.IncompleteReadError, OSError, TimeoutError):
            return BROKEN, b""

    async def _on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes
    ) -> tuple[int, bytes]:
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        status = int(head.split(b" ", 2)[1])
        length = int(head.split(b"content-length:")[1].split(b"\r\n", 1)[0])
        body = await reader.readexactly(length)
        if b"connection: close" in head:
            writer.close()
        else:
            self._free.append((reader, writer))
        return status, body
