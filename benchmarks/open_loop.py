"""Orders at a fixed rate by one process, over as many connections as it takes, and `/livez` beside.

A time begins when a request was due, so a service that stalls is not spared what would have come.
"""

import asyncio
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
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
    evaluation_id: str = ""
    is_recorded: bool = False
    """Whether the service said that the order is stored."""
    is_degraded: bool = False

    @property
    def is_normal(self) -> bool:
        """Whether nothing was missing."""
        return self.is_recorded and not self.is_degraded


@dataclass(slots=True)
class Answers:
    """All that came of a run."""

    orders: list[Answer] = field(default_factory=list)
    livez: list[Answer] = field(default_factory=list)
    processors: float = 0.0
    """How many processors the clients took, on average."""


@contextmanager
def open_loop(
    targets: Sequence[Target],
    orders: Sequence[Mapping[str, Any]],
    per_second: float,
    prefix: str,
) -> Iterator[Answers]:
    """Inside, the orders are sent at that rate under ids of their own; afterwards the answers.

    The targets are one service with keys of several merchants, which take turns: each order is sent
    by all of them, before the next one is.
    """
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    sender = context.Process(target=_send, args=(theirs, targets, orders, per_second, prefix))
    sender.start()
    answers = Answers()
    try:
        ours.recv()  # the first one is due
        yield answers
    finally:
        ours.send("stop")
        got = ours.recv()
        sender.join()
        answers.orders, answers.livez, answers.processors = got.orders, got.livez, got.processors


def _send(
    pipe: Pipe,
    targets: Sequence[Target],
    orders: Sequence[Mapping[str, Any]],
    per_second: float,
    prefix: str,
) -> None:
    began = time.monotonic(), time.process_time()
    answers = asyncio.run(_Sender(targets).run(pipe, orders, per_second, prefix))
    lasted, took = time.monotonic() - began[0], time.process_time() - began[1]
    answers.processors = took / lasted
    pipe.send(answers)


class _Sender:
    """Keeps connections that are free, and makes one where there is none."""

    def __init__(self, targets: Sequence[Target]) -> None:
        self._targets = targets
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
            turn, of_merchant = divmod(number, len(self._targets))
            target = self._targets[of_merchant]
            order = {**orders[turn % len(orders)], "order_id": order_id}
            task = asyncio.create_task(self._evaluate(target, due, order_id, order))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            number += 1
        await asyncio.gather(*tasks)
        stopped.set()
        await health
        return self._answers

    async def _evaluate(
        self, target: Target, due: float, order_id: str, order: Mapping[str, Any]
    ) -> None:
        request = target.request(json.dumps(order).encode())
        status, body = await self._exchange(request)
        seconds = time.monotonic() - due
        answer = Answer(due, seconds, status, order_id)
        if status == 200:
            content = json.loads(body)
            answer = replace(
                answer,
                evaluation_id=content.get("evaluation_id", ""),  # an echo has none
                is_recorded=content.get("recorded", False),
                is_degraded=content.get("degraded", False),
            )
        self._answers.orders.append(answer)

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
                opened = await asyncio.open_connection("127.0.0.1", self._targets[0].port)
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
