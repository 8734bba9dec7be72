"""A proxy before PostgreSQL that keeps what a service sends, and the statements in it."""

import socket
import struct
from collections.abc import Iterator

from tests.e2e.fault_proxy import FaultProxy

_OFFERS = (80877103, 80877104)
"""What a client may ask before its first message: whether it may encrypt, in two ways."""


class RecordingProxy(FaultProxy):
    """Forwards, and keeps what came from each client."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._sent: list[bytearray] = []
        super().__init__(target)

    def statements(self) -> list[str]:
        """The text of all statements that were sent until now, prepared or not."""
        return [text for sent in list(self._sent) for text in _statements(bytes(sent))]

    def _forward_requests(self, source: socket.socket, sink: socket.socket) -> None:
        recorded = _Recorded(source)
        self._sent.append(recorded.content)
        super()._forward_requests(recorded, sink)  # type: ignore[arg-type]


class _Recorded:
    """A socket whose bytes are kept as they are read."""

    def __init__(self, source: socket.socket) -> None:
        self._source, self.content = source, bytearray()

    def recv(self, most: int) -> bytes:
        chunk = self._source.recv(most)
        self.content += chunk
        return chunk

    def shutdown(self, how: int) -> None:
        self._source.shutdown(how)


def _statements(sent: bytes) -> Iterator[str]:
    """Those of the messages `Query` and `Parse` of one connection, in the protocol's version 3."""
    position = 0
    while len(sent) >= position + 8:
        length, kind = struct.unpack_from("!ii", sent, position)
        position += length
        if kind not in _OFFERS:
            break
    while len(sent) >= position + 5:
        kind, length = (
            sent[position : position + 1],
            struct.unpack_from("!i", sent, position + 1)[0],
        )
        content = sent[position + 5 : position + 1 + length]
        if kind == b"Q":
            yield content.split(b"\0")[0].decode()
        elif kind == b"P":
            yield content.split(b"\0")[1].decode()
        position += 1 + length
