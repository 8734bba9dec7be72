"""A server that answers as real ones do when something is wrong with them."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeAlias

Odd: TypeAlias = Callable[[socket.socket, bytes, threading.Event], None]
"""What is done for a request; the event is set when the server stops. OSError closes."""

TICK_SECONDS = 0.05


def answer(
    content: bytes, status: str = "200 OK", kind: str = "application/json", **headers: str
) -> bytes:
    """An answer with its length."""
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(content)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + content


def send(content: bytes) -> Odd:
    return lambda client, _, __: client.sendall(content)


def send_and_close(content: bytes) -> Odd:
    def act(client: socket.socket, _: bytes, __: threading.Event) -> None:
        client.sendall(content)
        raise ConnectionAbortedError

    return act


def send_endlessly(head: bytes, piece: bytes) -> Odd:
    def act(client: socket.socket, _: bytes, stopped: threading.Event) -> None:
        client.sendall(head)
        while not stopped.is_set():
            client.sendall(piece)

    return act


def drip(content: bytes) -> Odd:
    """One byte at a time, for longer than any deadline; then it ends well."""

    def act(client: socket.socket, _: bytes, stopped: threading.Event) -> None:
        for n in range(len(content)):
            stopped.wait(TICK_SECONDS)
            client.sendall(content[n : n + 1])

    return act


def freeze_after(content: bytes) -> Odd:
    def act(client: socket.socket, _: bytes, stopped: threading.Event) -> None:
        client.sendall(content)
        stopped.wait()

    return act


def reset(client: socket.socket, _: bytes, __: threading.Event) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raise ConnectionResetError


class OddServer:
    """Its n-th request, on whatever connection, gets the n-th answer; later ones the last."""

    def __init__(self, listening: socket.socket, answers: tuple[Odd, ...]) -> None:
        self.port = listening.getsockname()[1]
        self.connections = 0
        self.requests: list[bytes] = []
        self.stopped = threading.Event()
        self.ended = threading.Semaphore(0)
        """Counts the connections that the server has closed."""
        self._answers = answers
        self._turn = threading.Lock()

    def accept(self, listening: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listening.accept()
                self.connections += 1
                threading.Thread(target=self._converse, args=(client,), daemon=True).start()

    def _converse(self, client: socket.socket) -> None:
        with suppress(OSError), client:
            while request := _received(client):
                with self._turn:
                    act = self._answers[min(len(self.requests), len(self._answers) - 1)]
                    self.requests.append(request)
                act(client, request, self.stopped)
        self.ended.release()


def _received(client: socket.socket) -> bytes:
    content = b""
    while b"\r\n\r\n" not in content:
        if not (piece := client.recv(65_536)):
            return b""
        content += piece
    head, _, body = content.partition(b"\r\n\r\n")
    _, _, length = head.partition(b"Content-Length: ")
    while len(body) < int(length.partition(b"\r\n")[0] or b"0"):
        body += client.recv(65_536)
    return head + b"\r\n\r\n" + body


@contextmanager
def odd_server(*answers: Odd) -> Iterator[OddServer]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = OddServer(listening, answers)
        threading.Thread(target=server.accept, args=(listening,), daemon=True).start()
        try:
            yield server
        finally:
            server.stopped.set()
            listening.shutdown(socket.SHUT_RDWR)
