"""The real service in processes of its own, and a client of it."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]
TIMEOUT_SECONDS = 120
"""When a service counts as hung; a busy machine starts one in less."""


@dataclass(frozen=True)
class HttpAnswer:
    """One answer of the service: `content` is its bytes, `body` its JSON."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.content)


@dataclass
class RunningService:
    """A service that runs; each client keeps a connection of its own open between requests."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def client(self, key: str = "") -> "Client":
        return Client(self.port, key)


class Client:
    """A merchant's program, which speaks to the service with the merchant's key."""

    def __init__(self, port: int, key: str) -> None:
        self.key = key
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)

    def send(
        self, method: str, path: str, content: bytes | None = None, **headers: str | None
    ) -> HttpAnswer:
        """One request; header names have _ for -, and a header of None is left out."""
        sent_headers = {name.replace("_", "-"): value for name, value in headers.items() if value}
        self.connection.request(method, path, content, sent_headers)
        response = self.connection.getresponse()
        got_headers = {name.lower(): value for name, value in response.getheaders()}
        return HttpAnswer(response.status, got_headers, response.read())

    def evaluate(self, order: Any, **headers: str | None) -> HttpAnswer:
        """POST /evaluate; `order` is bytes, or a value to send as JSON."""
        content = order if isinstance(order, bytes) else json.dumps(order).encode()
        standard = {
            "Content_Type": "application/json",
            "Authorization": f"Bearer {self.key}",
        }
        return self.send("POST", "/evaluate", content, **(standard | headers))


@contextmanager
def running_service(
    environ: Mapping[str, str], log: Path, *words: str, program: Sequence[str] | None = None
) -> Iterator[RunningService]:
    """`ontem serve` with this environment, once it answers; its output goes to `log`.

    `program` is the command to run in the place of this checkout's.

    The listening socket is made here and inherited, so no port is guessed and nothing is polled.
    """
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as gunicorn's own bind
        os.set_inheritable(listening.fileno(), True)
        port = listening.getsockname()[1]
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*(program or serve()), "--bind", f"fd://{listening.fileno()}", *words],
                env=dict(environ),
                cwd=log.parent,
                stdout=output,
                stderr=output,
                pass_fds=(listening.fileno(),),
            )
    try:
        service = RunningService(process, port, log)
        service.client().send("GET", "/livez")
        yield service
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(TIMEOUT_SECONDS)


def refused_start(
    environ: Mapping[str, str], folder: Path, address: str = "127.0.0.1:0"
) -> tuple[int, str]:
    """The exit code of an `ontem serve` that does not start, and its error output."""
    ended = subprocess.run(
        [*serve(), "--bind", address],
        env=dict(environ),
        cwd=folder,
        capture_output=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    return ended.returncode, ended.stderr.decode()


def serve() -> list[str]:
    return [sys.executable, "-m", "ontem", "serve"]
