"""A TCP proxy between the service and a store, which misbehaves on demand."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Literal

Fault = Literal["none", "silent", "reset", "truncate", "slices"]


class FaultProxy:
    """Forwards to `target`; `fault` says what happens to the answers from now on."""

    def __init__(self, target: tuple[str, int]) -> None:
        self.fault: Fault = "none"
        self._target = target
        self._open: list[socket.socket] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._start()

    def recover(self) -> None:
        """Behave from now on, also after `refuse`."""
        self.fault = "none"
        if self._listening.fileno() < 0:
            self._listening = socket.create_server(("127.0.0.1", self.port))
            self._start()

    def refuse(self) -> None:
        """Take no more connections, and end those that are open."""
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        _end(*self._open)

    def _start(self) -> None:
        threading.Thread(target=self._accept, args=(self._listening,), daemon=True).start()

    def _accept(self, listening: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listening.accept()
                store = socket.create_connection(self._target)
                self._open += [client, store]
                for forward, ends in (
                    (self._forward_requests, (client, store)),
                    (self._forward_answers, (store, client)),
                ):
                    threading.Thread(target=forward, args=ends, daemon=True).start()

    def _forward_requests(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while chunk := source.recv(65_536):
                sink.sendall(chunk)
        _end(source, sink)

    def _forward_answers(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while chunk := source.recv(65_536):
                if self.fault == "none":
                    sink.sendall(chunk)
                elif self.fault == "slices":
                    for position in range(len(chunk)):
                        sink.sendall(chunk[position : position + 1])
                elif self.fault != "silent":
                    sink.sendall(chunk[: len(chunk) // 2 if self.fault == "truncate" else 0])
                    break
        _end(source, sink)


def _end(*ends: socket.socket) -> None:
    for end in ends:
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


@contextmanager
def a_fault_proxy(host: str, port: int) -> Iterator[FaultProxy]:
    """A proxy that is closed afterwards."""
    proxy = FaultProxy((host, port))
    yield proxy
    with suppress(OSError):
        proxy.refuse()
