"""HTTP as bytes, for what no HTTP library sends."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.e2e.running import TIMEOUT_SECONDS, HttpAnswer, RunningService


class RawClient:
    """A connection on which any bytes can be sent, and answers are read one by one."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_SECONDS)
        self._received = b""

    def send(self, content: bytes) -> None:
        self.socket.sendall(content)

    def answer(self, *, has_body: bool = True) -> HttpAnswer:
        """The next answer; ConnectionError when the connection ends before it."""
        while b"\r\n\r\n" not in self._received:
            self._receive()
        head, _, self._received = self._received.partition(b"\r\n\r\n")
        first, *lines = head.decode("ascii").split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        length = int(headers.get("content-length", 0)) if has_body else 0
        while len(self._received) < length:
            self._receive()
        content, self._received = self._received[:length], self._received[length:]
        return HttpAnswer(int(first.split(" ")[1]), headers, content)

    def is_closed(self) -> bool:
        """Whether the service closes the connection, and sends nothing before."""
        return self._received + self.socket.recv(1) == b""

    def _receive(self) -> None:
        content = self.socket.recv(65_536)
        if not content:
            raise ConnectionResetError(f"closed after {self._received!r}")
        self._received += content


@contextmanager
def raw_client(service: RunningService) -> Iterator[RawClient]:
    client = RawClient(service.port)
    yield client
    with suppress(OSError):
        client.socket.close()


def head_of(line: str, key: str = "", **headers: str) -> bytes:
    """The head of a request; header names have _ for -, and __ for _."""
    names = {name: name.replace("__", " ").replace("_", "-").replace(" ", "_") for name in headers}
    lines = [f"{line} HTTP/1.1", "Host: a"]
    lines += [f"{names[name]}: {value}" for name, value in headers.items()]
    if key:
        lines += [f"Authorization: Bearer {key}", "Content-Type: application/json"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def evaluation_of(content: bytes, key: str, **headers: str) -> bytes:
    """A whole POST /evaluate."""
    return head_of("POST /evaluate", key, Content_Length=str(len(content)), **headers) + content
