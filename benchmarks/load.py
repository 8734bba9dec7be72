"""Clients of a server, each a process of its own: as fast as it answers, or at a fixed rate."""

import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from typing import Any, Final, TypeAlias

_STATE: dict[str, Any] = {}
Sent: TypeAlias = tuple[float, float, list[float], int]
"""Of one client: when it began and ended, the milliseconds of whole answers, how many were poor."""
DEGRADED: Final = b'"degraded":true'
MOST_POOR: Final = 0.01
"""The share of poor answers that is borne where a deadline may be missed on a busy machine."""


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
    """What the clients saw: the milliseconds of each whole answer, and the seconds of all answers.

    `poor` is how many were none: a 503, or a decision without a score.
    """

    milliseconds: list[float]
    seconds: float
    poor: int = 0

    @property
    def per_second(self) -> float:
        """Whole answers per second of all clients together."""
        return len(self.milliseconds) / self.seconds


class Refused(AssertionError):
    """The answer is a 503."""


class Connection:
    """One connection that stays open; it reads answers by their Content-Length."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=120)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def exchange(self, request: bytes) -> bytes:
        """The body of the answer, which must be a 200. Raises Refused for a 503."""
        self._socket.sendall(request)
        received = b""
        while b"\r\n\r\n" not in received:
            received += self._read()
        head, _, body = received.partition(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n", 1)[0])
        while len(body) < length:
            body += self._read()
        status = head.split(b" ", 2)[1]
        if status != b"200":
            kind = Refused if status == b"503" else AssertionError
            raise kind(f"the answer is {head.decode()}: {body.decode()}")
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

    def closed_loop(
        self, target: Target, bodies: Sequence[bytes], *, most_poor: float = 0.0
    ) -> Load:
        """Each client sends its share of the bodies, the next one when the last is answered.

        Raises AssertionError where more than that share of the answers are poor.
        """
        load = self._run(_closed_loop, target, bodies, 0.0)
        _check(load, len(bodies), most_poor)
        return load

    def open_loop(self, target: Target, bodies: Sequence[bytes], per_second: float) -> Load:
        """Requests are due at a fixed rate, one after the other, and late from when they were due.

        So a server that stalls is not spared the requests that would have come meanwhile.
        """
        load = self._run(_open_loop, target, bodies, self._number / per_second)
        _check(load, len(bodies), 0.0)
        return load

    def _run(
        self,
        send: Callable[[Target, Sequence[bytes], float, float], Sent],
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
        took = [milliseconds for each in ended for milliseconds in each[2]]
        return Load(took, over - begun, sum(each[3] for each in ended))


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


def _check(load: Load, bodies: int, most_poor: float) -> None:
    if load.poor > most_poor * bodies:
        raise AssertionError(f"{load.poor} of {bodies} answers are a 503 or have no score")


def _keep(barrier: Barrier) -> None:
    _STATE["barrier"] = barrier


def _closed_loop(target: Target, bodies: Sequence[bytes], _pause: float, _delay: float) -> Sent:
    connection, requests = Connection(target.port), [target.request(body) for body in bodies]
    took, poor = list[float](), 0
    _STATE["barrier"].wait(60)
    begun = sent_at = time.perf_counter()
    for request in requests:
        is_whole = _is_whole(connection, request)
        ended_at = time.perf_counter()
        if is_whole:
            took.append((ended_at - sent_at) * 1000)
        else:
            poor += 1
        sent_at = ended_at
    return begun, sent_at, took, poor


def _open_loop(target: Target, bodies: Sequence[bytes], pause: float, delay: float) -> Sent:
    connection, requests = Connection(target.port), [target.request(body) for body in bodies]
    took, poor = list[float](), 0
    _STATE["barrier"].wait(60)
    begun = time.perf_counter()
    due_at = begun + delay
    for request in requests:
        time.sleep(max(due_at - time.perf_counter(), 0))
        if _is_whole(connection, request):
            took.append((time.perf_counter() - due_at) * 1000)
        else:
            poor += 1
        due_at += pause
    return begun, time.perf_counter(), took, poor


def _is_whole(connection: Connection, request: bytes) -> bool:
    """Send a request, and whether its answer is a 200 that lacks nothing; False also for a 503."""
    try:
        return DEGRADED not in connection.exchange(request)
    except Refused:
        return False
