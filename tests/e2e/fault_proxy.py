"""A TCP proxy of our own between the service and a store, which can misbehave."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Literal

Fault = Literal["none", "silent", "reset", "truncate", "slices"]


class FaultProxy:
    """Forwards to `target`; `fault` says what becomes of the answers from now on."""

    def __init__(self, target: tuple[str, int]) -> None:
        self.fault: Fault = "none"
        self._target = target
        self._open: list[socket.socket] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._start()

    def recover(self) -> None:
        """Behave from now on, whatever was before."""
        self.fault = "none"
        if self._listening.fileno() < 0:
            self._listening = socket.create_server(("127.0.0.1", self.port))
            self._start()

    def refuse(self) -> None:
        """Take no connection any more, and end those that are there."""
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        _end(*self._open)

    def _start(self) -> None:
        threading.Thread(target=self._accept, args=(self._listening,), daemon=True).start()

    def _accept(self, listening: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = listening.accept()
                far = socket.create_connection(self._target)
                self._open += [near, far]
                threading.Thread(target=self._ask, args=(near, far), daemon=True).start()
                threading.Thread(target=self._answer, args=(far, near), daemon=True).start()

    def _ask(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while part := source.recv(65_536):
                sink.sendall(part)
        _end(source, sink)

    def _answer(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while part := source.recv(65_536):
                if self.fault == "none":
                    sink.sendall(part)
                elif self.fault == "slices":
                    for at in range(len(part)):
                        sink.sendall(part[at : at + 1])
                elif self.fault != "silent":
                    sink.sendall(part[: len(part) // 2 if self.fault == "truncate" else 0])
                    break
        _end(source, sink)


def _end(*ends: socket.socket) -> None:
    for one in ends:
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)


@contextmanager
def a_fault_proxy(host: str, port: int) -> Iterator[FaultProxy]:
    """A proxy that is gone afterwards."""
    proxy = FaultProxy((host, port))
    yield proxy
    with suppress(OSError):
        proxy.refuse()
