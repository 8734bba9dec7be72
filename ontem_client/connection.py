"""One connection to the service, on which nothing takes longer than the call that uses it."""

import io
import os
import socket
import ssl
import time
from contextlib import suppress
from http import HTTPStatus
from http.client import HTTPResponse, IncompleteRead
from typing import Any, Final, cast

from ontem_client.address import Resolver, ServiceAddress
from ontem_client.deadline import Deadline
from ontem_client.messages import Answer, Request

MOST_BYTES: Final = 32 * 1024 * 1024
"""The longest answer that is read: some times what the longest batch or explanation has."""

LONGEST_REST: Final = 60.0
"""For how many seconds a connection may wait for its next call; the service closes it after 620."""


class AnswerTooLong(Exception):
    """An answer has more than MOST_BYTES."""


class Connection:
    """A connection that carries one call at a time."""

    def __init__(self, opened: socket.socket) -> None:
        self._socket = opened
        self._process = os.getpid()
        self._rests_since = 0.0

    def ask(self, request: Request, deadline: Deadline) -> Answer:
        """The whole answer. Raises OSError, HTTPException and AnswerTooLong."""
        rest = memoryview(request.content)
        while rest:
            self._socket.settimeout(deadline.left())
            rest = rest[self._socket.send(rest) :]
        response = HTTPResponse(cast(Any, _Source(self._socket, deadline)), method=request.method)
        response.begin()
        content = _read(response)
        # After one such as 103 the real answer follows, which would be the next call's.
        keeps = not response.will_close and response.status >= HTTPStatus.OK
        return Answer(response.status, response.headers, content, keeps)

    def rest(self) -> None:
        """Begin to wait for the next call."""
        self._rests_since = time.monotonic()

    @property
    def is_usable(self) -> bool:
        """Whether it is this process's own, and neither old, closed nor with something to say.

        A child of a fork that used its parent's connections would read its parent's answers.
        """
        if self._process != os.getpid() or time.monotonic() - self._rests_since > LONGEST_REST:
            return False
        try:
            self._socket.settimeout(0)
            socket.socket.recv(self._socket, 1, socket.MSG_PEEK)  # below TLS, too
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def close(self) -> None:
        """End it, in this process alone."""
        with suppress(OSError):
            self._socket.close()


def _read(response: HTTPResponse) -> bytes:
    if (response.length or 0) > MOST_BYTES:
        raise AnswerTooLong
    content = response.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise AnswerTooLong
    if response.length:  # the connection ended before the length that was declared
        raise IncompleteRead(b"", response.length)
    return content


class _Source:
    """A socket as HTTPResponse wants it: of all its methods it asks for one file."""

    def __init__(self, source: socket.socket, deadline: Deadline) -> None:
        self._raw = _DeadlineReader(source, deadline)

    def makefile(self, _: str) -> io.BufferedReader:
        return io.BufferedReader(self._raw)


class _DeadlineReader(io.RawIOBase):
    """Reads a socket, each time only for as long as the call has left: a drip wins nothing."""

    def __init__(self, source: socket.socket, deadline: Deadline) -> None:
        self._source, self._deadline = source, deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._source.settimeout(self._deadline.left())
        return self._source.recv_into(buffer)


def connect(
    service: ServiceAddress, resolver: Resolver, tls: ssl.SSLContext | None, deadline: Deadline
) -> Connection:
    """A new connection to the first address that takes one. Raises OSError."""
    opened = _open(resolver, deadline)
    try:
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is not None:
            opened = tls.wrap_socket(
                opened, server_hostname=service.host, do_handshake_on_connect=False
            )
            opened.settimeout(deadline.left())
            opened.do_handshake()
    except BaseException:
        opened.close()
        raise
    return Connection(opened)


def _open(resolver: Resolver, deadline: Deadline) -> socket.socket:
    """A TCP connection; each address gets its share of the time, so a dead one leaves some."""
    addresses = resolver.addresses(deadline)
    for tried, (family, address) in enumerate(addresses, 1):
        seconds = deadline.left() / (len(addresses) - tried + 1)
        try:
            return _opened(family, address, seconds)
        except OSError:  # also from a machine that knows the address family by name alone
            if tried == len(addresses):
                raise
    raise ConnectionRefusedError


def _opened(family: socket.AddressFamily, address: Any, seconds: float) -> socket.socket:
    opened = socket.socket(family, socket.SOCK_STREAM)
    try:
        opened.settimeout(seconds)
        opened.connect(address)
    except BaseException:
        opened.close()
        raise
    return opened
