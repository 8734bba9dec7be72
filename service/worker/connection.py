"""One client of a worker: its socket, what it sent that is not answered yet, what it waits for."""

import socket
from dataclasses import dataclass
from enum import Enum, auto
from math import inf
from typing import Any, Final

from service.request_content import MAX_BYTES
from service.worker.gate import Pass
from service.worker.head import MOST_HEAD_BYTES, Head

CHUNK_BYTES: Final = 65_536
MOST_BUFFERED: Final = MOST_HEAD_BYTES + CHUNK_BYTES
"""What a connection may send ahead of its answers before the worker stops reading it."""

MOST_DISCARDED: Final = 32 * 1_024 * 1_024
"""How much of a body that is too large is read before the connection is given up."""

LINGER_SECONDS: Final = 2.0
"""How long a connection that ends waits for the client to close it, so that nothing is cut off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a worker waits for its clients, in seconds."""

    request: float
    """For the next request of a connection."""
    client: float
    """For the rest of a head, for a body, and until an answer is taken; for each."""


class State(Enum):
    """What a connection is waiting for; each but `ANSWER` has a deadline."""

    REQUEST = auto()
    """The first byte of a request."""
    HEAD = auto()
    """The rest of a head."""
    BODY = auto()
    """The rest of a body."""
    ANSWER = auto()
    """A thread, or the end of its work."""
    SENDING = auto()
    """That the client takes the rest of an answer."""
    TURN = auto()
    """The turn of its refusal or of its request, see `Pace`."""
    UNWANTED_BODY = auto()
    """The rest of a body whose request is answered already."""
    END = auto()
    """That the client closes its side; what it still sends is dropped."""


class Connection:
    """A client's connection, which only the loop uses.

    But a thread may call `send` while the connection waits for that thread's answer.
    """

    def __init__(self, client: socket.socket, peer: Any, server: Any) -> None:
        client.setblocking(False)
        self.socket, self.peer, self.server = client, peer, server
        self.state, self.deadline = State.REQUEST, inf
        self.buffer = bytearray()
        self.scanned = 0
        """How many bytes of the buffer are known to have no end of a head."""
        self.requests = 0
        self.head: Head | None = None
        self.passed = Pass()
        self.received_at = 0.0
        self.body_length = 0
        """How many bytes of the body are to come, or are still to be dropped."""
        self.unsent = b""
        self.refusal = b""
        """What is sent when the turn comes that it waits for; empty if its request is to begin."""
        self.ends = False
        """Whether the connection ends with the present answer."""
        self.client_ended = False
        """Whether the client sends no more."""
        self.has_right_key = False
        """Whether a request of this connection had a right key, as far as is known."""
        self.was_served = False
        """Whether a request of this connection was ever answered with a success."""
        self.events = 0
        """What the selector watches the socket for."""

    def wait(self, state: State, deadline: float) -> None:
        """Be in this state until the deadline."""
        self.state, self.deadline = state, deadline

    @property
    def room(self) -> int:
        """How many more bytes may be read now; all of a body only while it is waited for."""
        if self.client_ended:
            return 0
        most = self.body_length if self.state is State.BODY else 0
        return max(MOST_BUFFERED, most) - len(self.buffer)

    def receive(self) -> bytes | None:
        """What the client sent; empty when it sends no more, None when there is nothing now.

        Raises OSError.
        """
        try:
            return self.socket.recv(min(CHUNK_BYTES, self.room))
        except BlockingIOError:
            return None

    def send(self, content: bytes) -> bytes:
        """Send what the socket takes now; what is left. Raises OSError."""
        try:
            sent = self.socket.send(content)
        except BlockingIOError:
            return content
        return content[sent:]

    def take(self, length: int) -> bytes:
        """The first bytes of the buffer, which are then no longer in it."""
        content = bytes(memoryview(self.buffer)[:length])
        del self.buffer[:length]
        self.scanned = 0
        return content

    def body_is_not_worth_reading(self, head: Head) -> bool:
        """Whether it ends with the refusal of this head: the body is long or may never come."""
        is_awaited = head.expects_continue and not self.buffer
        return head.is_chunked or is_awaited or self.body_length > MAX_BYTES

    def end(self) -> None:
        """Tell the client that nothing more comes. Raises OSError."""
        self.socket.shutdown(socket.SHUT_WR)
        self.buffer.clear()
