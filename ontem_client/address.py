"""Where the service is, and the addresses that its name has now."""

import os
import socket
import threading
from concurrent.futures import Future
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from ontem_client.deadline import Deadline

SocketAddress: TypeAlias = tuple[socket.AddressFamily, Any]


@dataclass(frozen=True, slots=True)
class ServiceAddress:
    """A URL in its parts."""

    host: str
    port: int
    path: str
    """What stands before each path of the service; mostly empty."""
    is_tls: bool

    @property
    def host_header(self) -> str:
        """As `Host` has it: without the port that everybody expects."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.is_tls else 80) else f"{host}:{self.port}"


def read_url(url: str, *, plain_http: bool) -> ServiceAddress:
    """The address in `https://HOST[:PORT][/PATH]`. Raises ValueError."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError("the URL of Ontem can't be read: write https://HOST:PORT") from None
    host = parts.hostname or ""
    if parts.scheme not in ("http", "https") or not _is_host(host) or not url.isascii():
        raise ValueError("the URL of Ontem must be like https://HOST or https://HOST:PORT")
    if (
        parts.username is not None
        or parts.query
        or parts.fragment
        or not url.isprintable()
        or " " in url
    ):
        raise ValueError("the URL of Ontem must have no user, query, fragment or blank")
    is_tls = parts.scheme == "https"
    if not (is_tls or plain_http or _is_this_machine(host)):
        raise ValueError(
            "http:// would send the API key in the clear: use https://, or pass plain_http=True "
            "where the network is your own"
        )
    return ServiceAddress(host, port or (443 if is_tls else 80), parts.path.rstrip("/"), is_tls)


def _is_host(host: str) -> bool:
    """Whether the system can look the host up: Python refuses a longer or empty part at a call."""
    return all(0 < len(part) < 64 for part in host.removesuffix(".").split("."))


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


class Resolver:
    """The socket addresses of one host; a look-up that hangs costs a call no more than its time.

    The system's look-up can't be given a deadline. So it runs in a thread, one at a time for all
    calls.
    """

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._pending: tuple[int, Future[list[SocketAddress]]] | None = None

    def addresses(self, deadline: Deadline) -> list[SocketAddress]:
        """In the system's order of preference. Raises TimeoutError, and OSError for no name."""
        try:
            return self._look_up(socket.AI_NUMERICHOST)
        except socket.gaierror:
            found = self._future().result(deadline.left())
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, "the host's name is not known")
        return found

    def _future(self) -> Future[list[SocketAddress]]:
        pending = self._pending
        if pending is not None and pending[0] == os.getpid() and not pending[1].done():
            return pending[1]
        future: Future[list[SocketAddress]] = Future()
        self._pending = os.getpid(), future  # a child has none of the threads of its parent
        threading.Thread(target=self._fill, args=(future,), daemon=True).start()
        return future

    def _fill(self, future: Future[list[SocketAddress]]) -> None:
        try:
            future.set_result(self._look_up(0))
        except OSError:
            future.set_result([])

    def _look_up(self, flags: int) -> list[SocketAddress]:
        found = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM, flags=flags)
        return [(family, address) for family, _, _, _, address in found]
