"""A connection to Redis on which every wait for the server ends in time.

A time-out of the socket starts anew with every byte that comes, so a server that sends one byte at
a time would be waited for without an end. Here each wait gets what is left of the whole time.
"""

import socket
import ssl
from collections.abc import Callable
from typing import Any

from redis.backoff import NoBackoff
from redis.connection import Connection
from redis.retry import Retry

from stores.redis.connection import url_options


class BoundedSocket:
    """A socket, also one with TLS, that waits no longer than `seconds_left` returns."""

    def __init__(self, inner: socket.socket, seconds_left: Callable[[], float]) -> None:
        self._inner, self._seconds_left = inner, seconds_left

    def sendall(self, content: bytes) -> None:
        """Send everything, or raise TimeoutError."""
        unsent = memoryview(content)
        while unsent:
            unsent = unsent[self._in_time(self._inner.send, unsent) :]

    def recv_into(self, buffer: bytearray) -> int:
        """Read what is there; wait for some of it. Raises TimeoutError."""
        return self._in_time(self._inner.recv_into, buffer)

    def _in_time(self, work: Callable[[Any], int], buffer: Any) -> int:
        self._inner.settimeout(self._seconds_left())  # 0: take what is there, and never wait
        try:
            return work(buffer)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise TimeoutError from None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def bounded_connection(url: str, seconds_left: Callable[[], float], connect_seconds: float) -> Any:
    """A connection of redis-py that is not open; `seconds_left` is asked at every single wait.

    It never retries, and says nothing of the client's library.
    """
    options = {"protocol": 2, **url_options(url)}
    connection_class = options.pop("connection_class", Connection)

    class Bounded(connection_class):  # type: ignore[misc, valid-type]
        def _connect(self) -> Any:
            return BoundedSocket(super()._connect(), seconds_left)

    return Bounded(
        **options,
        socket_timeout=connect_seconds,
        socket_connect_timeout=connect_seconds,
        retry=Retry(NoBackoff(), 0),
        driver_info=None,
    )
