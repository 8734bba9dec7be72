"""Clients of a server, each a process of its own: as fast as it answers, or at a fixed rate."""

import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from typing import Any

_STATE: dict[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Target:
    """A server on this machine, and the headers of every request to it."""

    port: int
    key: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    """More headers than those of every request."""

    def request(self, body: bytes) -> bytes:
        """One `POST /evaluate` as it goes over the wire."""
        head = (
            "POST /evaluate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {self.key}\r\nContent-Length: {len(body)}\r\n"
        )
        more = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        return f"{head}{more}\r\n".encode() + body


@dataclass(frozen=True, slots=True)
class Load:
    """What the clients saw: the milliseconds of each answer, and the seconds of all."""

    milliseconds: list[float]
    seconds: float

    @property
    def per_second(self) -> float:
        """Answers per second of all clients together."""
        return len(self.milliseconds) / self.seconds


class Connection:
    """One connection that stays open; it reads answers by their Content-Length."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=120)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def exchange(self, request: bytes) -> bytes:
        """The body of the answer, which must be a 200."""
        self._socket.sendall(request)
        received = b""
        while b"\r\n\r\n" not in received:
            received += self._read()
        head, _, body = received.partition(b"\r\n\r\n")
        if b" 200 " not in head.split(b"\r\n", 1)[0]:
            raise AssertionError(f"the answer is {head.decode()}: {body.decode()}")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n", 1)[0])
        while len(body) < length:
            body += self._read()
        return body

    def _read(self) -> bytes:
        received = self._socket.recv(65_536)
        if not received:
            raise AssertionError("the server closed the connection")
        return received


class Clients:
    """Client processes, which stay for several runs; made by `clients`."""

    def __init__(self, pool: ProcessPoolExecutor, number: int) -> None:
        self._pool, self._number = pool, number

    def closed_loop(self, target: Target, bodies: Sequence[bytes]) -> Load:
        """Each client sends its share of the bodies, the next one when the last is answered."""
        return self._run(_closed_loop, target, bodies, 0.0)

    def open_loop(self, target: Target, bodies: Sequence[bytes], per_second: float) -> Load:
        """Requests are due at a fixed rate, one after the other, and late from when they were due.

        So a server that stalls is not spared the requests that would have come meanwhile.
        """
        return self._run(_open_loop, target, bodies, self._number / per_second)

    def _run(
        self,
        send: Callable[[Target, Sequence[bytes], float, float], tuple[float, float, list[float]]],
        target: Target,
        bodies: Sequence[bytes],
        pause: float,
    ) -> Load:
        shares = [bodies[number :: self._number] for number in range(self._number)]
        delays = [pause * number / self._number for number in range(self._number)]
        runs = [
            self._pool.submit(send, target, share, pause, delay)
            for share, delay in zip(shares, delays, strict=True)
        ]
        ended = [run.result() for run in runs]
        begun, over = min(each[0] for each in ended), max(each[1] for each in ended)
        return Load([took for each in ended for took in each[2]], over - begun)


@contextmanager
def clients(number: int) -> Iterator[Clients]:
    """So many clients, which begin each run together.

    They are not forked off this process: a thread of Arrow may hold a lock there for good.
    """
    context = get_context("spawn")
    barrier = context.Barrier(number)
    with ExitStack() as stack:
        pool = ProcessPoolExecutor(number, context, _keep, (barrier,))
        yield Clients(stack.enter_context(pool), number)


def _keep(barrier: Barrier) -> None:
    _STATE["barrier"] = barrier


def _closed_loop(
    target: Target, bodies: Sequence[bytes], _pause: float, _delay: float
) -> tuple[float, float, list[float]]:
    connection, requests = Connection(target.port), [target.request(body) for body in bodies]
    took = []
    _STATE["barrier"].wait(60)
    begun = sent_at = time.perf_counter()
    for request in requests:
        connection.exchange(request)
        answered_at = time.perf_counter()
        took.append((answered_at - sent_at) * 1000)
        sent_at = answered_at
    return begun, sent_at, took


def _open_loop(
    target: Target, bodies: Sequence[bytes], pause: float, delay: float
) -> tuple[float, float, list[float]]:
    connection, requests = Connection(target.port), [target.request(body) for body in bodies]
    took = []
    _STATE["barrier"].wait(60)
    begun = time.perf_counter()
    due_at = begun + delay
    for request in requests:
        time.sleep(max(due_at - time.perf_counter(), 0))
        connection.exchange(request)
        took.append((time.perf_counter() - due_at) * 1000)
        due_at += pause
    return begun, time.perf_counter(), took
