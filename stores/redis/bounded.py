"""A connection to Redis on which every wait for the server ends in time.

A time-out of the socket starts anew with every byte that comes, so a server that sends one byte at
a time would be waited for without an end. Here each wait gets what is left of the whole time.
"""

import select
import socket
import ssl
from collections.abc import Callable
from typing import Any, Final

import hiredis
import redis
from redis.backoff import NoBackoff
from redis.connection import Connection
from redis.retry import Retry

from stores.redis.connection import url_options

_MOST_READ: Final = 65_536
_INCOMPLETE: Final = object()
"""What the parser returns while the reply is not whole."""
_LONGEST_POLL_MS: Final = 2**31 - 1
"""poll(2) takes no more: 24 days."""


class BoundedSocket:
    """A socket, also one with TLS, that waits no longer than `seconds_left` returns."""

    def __init__(self, inner: socket.socket, seconds_left: Callable[[], float]) -> None:
        inner.setblocking(False)
        self._inner, self._seconds_left = inner, seconds_left

    def sendall(self, content: bytes) -> None:
        """Send everything, or raise TimeoutError."""
        unsent = memoryview(content)
        while unsent:
            unsent = unsent[self._in_time(self._inner.send, unsent, select.POLLOUT) :]

    def recv_into(self, buffer: bytearray) -> int:
        """Read what is there; wait for some of it. Raises TimeoutError."""
        return self._in_time(self._inner.recv_into, buffer, select.POLLIN)

    def recv_what_is_there(self, buffer: bytearray) -> int | None:
        """Read without waiting; None if nothing has come."""
        try:
            return self._inner.recv_into(buffer)
        except (BlockingIOError, ssl.SSLWantReadError):
            return None

    def wait_for_input(self) -> None:
        """Wait until something has come that was not read. Raises TimeoutError."""
        self._wait_for(select.POLLIN)

    def _in_time(self, work: Callable[[Any], int], buffer: Any, usual_event: int) -> int:
        """What `work` returns: at once, or as soon as the socket is ready for it."""
        while True:
            try:
                return work(buffer)
            except BlockingIOError:
                self._wait_for(usual_event)
            except ssl.SSLWantReadError:
                self._wait_for(select.POLLIN)
            except ssl.SSLWantWriteError:
                self._wait_for(select.POLLOUT)

    def _wait_for(self, event: int) -> None:
        readiness = select.poll()
        readiness.register(self._inner, event)
        if not readiness.poll(min(self._seconds_left() * 1000, _LONGEST_POLL_MS)):
            raise TimeoutError

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class BoundedConnection:
    """A connection for one exchange at a time; `seconds_left` is asked at every single wait.

    redis-py connects it, and understands URLs, TLS and passwords. Then commands are packed and
    replies parsed by hiredis directly, as redis-py does beneath several layers of its own. It never
    retries, and says nothing of the client's library.

    What goes wrong is raised as redis-py does: redis.RedisError, of which an error that Redis
    replies is one, or OSError.
    """

    def __init__(self, url: str, seconds_left: Callable[[], float], connect_seconds: float) -> None:
        """Make one that is not connected yet."""
        self._redis = _redis_connection(url, seconds_left, connect_seconds)
        self._reader = _new_reader()
        self._buffer = bytearray(_MOST_READ)
        self._reply: Any = _INCOMPLETE

    @property
    def is_connected(self) -> bool:
        """Whether it was connected, and not closed since."""
        return bool(self._redis.is_connected)

    def connect(self) -> None:
        """Connect and log in."""
        self._reader, self._reply = _new_reader(), _INCOMPLETE
        self._redis.connect()

    def can_read(self) -> bool:
        """Whether something has come that was not received yet; it can be still."""
        if self._reply is not _INCOMPLETE or self._reader.has_data():
            return True
        return self._read_what_is_there()

    def has_reply(self) -> bool:
        """Whether a whole reply has come, so that to receive it waits for nothing."""
        while self._reply is _INCOMPLETE:
            self._reply = self._reader.gets()
            if self._reply is _INCOMPLETE and not self._read_what_is_there():
                return False
        return True

    def send(self, *words: bytes) -> None:
        """Send a command."""
        self._socket().sendall(hiredis.pack_command(words))  # type: ignore[arg-type]

    def receive(self) -> Any:
        """The next reply, as bytes, None, whole numbers and lists of these."""
        while not self.has_reply():
            self._socket().wait_for_input()
        reply, self._reply = self._reply, _INCOMPLETE
        if isinstance(reply, redis.ResponseError):
            raise reply
        return reply

    def close(self) -> None:
        """Close it without waiting for the server."""
        self._redis.disconnect()

    def _read_what_is_there(self) -> bool:
        length = self._socket().recv_what_is_there(self._buffer)
        if length == 0:
            raise redis.ConnectionError("Redis has closed the connection")
        if length is not None:
            self._reader.feed(self._buffer, 0, length)  # type: ignore[arg-type]
        return length is not None

    def _socket(self) -> BoundedSocket:
        if not self._redis.is_connected:
            raise redis.ConnectionError("not connected")
        bounded: BoundedSocket = self._redis.bounded
        return bounded


def _new_reader() -> hiredis.Reader:
    return hiredis.Reader(
        protocolError=redis.InvalidResponse,
        replyError=redis.ResponseError,
        notEnoughData=_INCOMPLETE,
    )


def _redis_connection(url: str, seconds_left: Callable[[], float], connect_seconds: float) -> Any:
    """A connection of redis-py that is not open, on a `BoundedSocket`."""
    options = {"protocol": 2, **url_options(url)}
    connection_class = options.pop("connection_class", Connection)

    class Bounded(connection_class):  # type: ignore[misc, valid-type]
        def _connect(self) -> Any:
            self.bounded = BoundedSocket(super()._connect(), seconds_left)
            return self.bounded

    return Bounded(
        **options,
        socket_timeout=connect_seconds,
        socket_connect_timeout=connect_seconds,
        retry=Retry(NoBackoff(), 0),
        driver_info=None,
    )
