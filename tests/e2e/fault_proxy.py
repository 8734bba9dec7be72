"""A TCP proxy between the service and a store, which misbehaves on demand."""

import random
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Literal

Fault = Literal[
    "none", "silent", "reset", "truncate", "slices", "drip", "late", "hole", "reply", "crossed"
]
DRIP_SECONDS = 0.02
LATE_SECONDS = 0.1


class FaultProxy:
    """Forwards to `target`; `fault` says what happens from now on.

    Answers are swallowed (`silent`), end with the connection before their first byte (`reset`) or
    in the middle (`truncate`), come in slices of one byte, at once or slowly (`slices`, `drip`),
    or up to 100 ms `late`, are `reply` in the place of what the store says, or the answer before
    (`crossed`). In a `hole` nothing comes through in either direction, until it ends.
    """

    def __init__(self, target: tuple[str, int]) -> None:
        self.reply = b""
        self.silence_after = b""
        """The answers to a request with these bytes are swallowed, and all later ones."""
        self._fault: Fault = "none"
        self._has_changed = threading.Event()
        self._target = target
        self._open: list[socket.socket] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._start()

    @property
    def fault(self) -> Fault:
        return self._fault

    @fault.setter
    def fault(self, fault: Fault) -> None:
        self._fault = fault
        self._has_changed.set()
        self._has_changed = threading.Event()

    def recover(self) -> None:
        """Behave from now on, also after `refuse`."""
        self.fault, self.silence_after = "none", b""
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
                try:
                    store = socket.create_connection(self._target)
                except OSError:  # the store is away
                    client.close()
                    continue
                for end in (client, store):  # else small answers wait for acknowledgements
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._open += [client, store]
                for forward, ends in (
                    (self._forward_requests, (client, store)),
                    (self._forward_answers, (store, client)),
                ):
                    threading.Thread(target=forward, args=ends, daemon=True).start()

    def _forward_requests(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while chunk := source.recv(65_536):
                self._wait_in_hole()
                if self.silence_after and self.silence_after in chunk:
                    self.fault = "silent"
                sink.sendall(chunk)
        _end(source, sink)

    def _forward_answers(self, source: socket.socket, sink: socket.socket) -> None:
        before = b""
        with suppress(OSError):
            while chunk := source.recv(65_536):
                self._wait_in_hole()
                if self.fault in ("reset", "truncate"):
                    sink.sendall(chunk[: len(chunk) // 2 if self.fault == "truncate" else 0])
                    break
                self._forward_answer(chunk, before, sink)
                before = chunk
        _end(source, sink)

    def _forward_answer(self, chunk: bytes, before: bytes, sink: socket.socket) -> None:
        if self.fault == "late":
            self._has_changed.wait(random.uniform(0, LATE_SECONDS))  # noqa: S311  no secret
        if self.fault in ("none", "late"):
            sink.sendall(chunk)
        elif self.fault in ("reply", "crossed"):
            sink.sendall(self.reply if self.fault == "reply" else before)
        elif self.fault in ("slices", "drip"):
            for position in range(len(chunk)):
                if self.fault == "drip":
                    self._has_changed.wait(DRIP_SECONDS)
                sink.sendall(chunk[position : position + 1])

    def _wait_in_hole(self) -> None:
        while self.fault == "hole":
            self._has_changed.wait(1)


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
