"""The online store, Redis: how it is reached, what its keys are, and how a request reads it."""

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import redis
from redis.backoff import NoBackoff
from redis.connection import Connection, parse_url
from redis.retry import Retry

from features_pkg.entity_keys import NAME_BYTES
from stores.errors import OntemError

REQUEST_TIMEOUT: Final = timedelta(milliseconds=50)
COMMAND_TIMEOUT: Final = timedelta(seconds=10)
CONNECT_SECONDS: Final = 5.0


class RedisUnavailable(OntemError):
    """Redis did not answer at its address, or refused us."""

    def __init__(self, *, address: str, reason: str) -> None:
        super().__init__(
            f"Redis at {address} is not available ({reason}): start it with `ontem up`, "
            "or set ONTEM_REDIS_URL to the one you mean"
        )
        self.address, self.reason = address, reason


class OnlineReadFailed(OntemError):
    """One read of the online store had no answer; `reason` is a class name, never data."""

    def __init__(self, *, reason: str) -> None:
        super().__init__(f"the online store did not answer ({reason})")
        self.reason = reason


def list_key(timelines_id: str) -> bytes:
    """Where the list of published loads is."""
    return f"o:{timelines_id}:loads".encode()


def value_key(timelines_id: str, entity_key: bytes) -> bytes:
    """Where the versions of one entity are; no slot of a cluster can be chosen by a buyer."""
    return f"o:{timelines_id}:e:{entity_key[:NAME_BYTES].hex()}".encode()


def address_of(url: str) -> str:
    """`host:port/database` of a connection URL, without its password."""
    options = _options(url)
    return f"{options.get('host', 'localhost')}:{options.get('port', 6379)}/{options.get('db', 0)}"


def client(url: str, timeout: timedelta = COMMAND_TIMEOUT) -> "redis.Redis":
    """A client that gives up after `timeout` instead of trying again; it connects when used."""
    seconds = timeout.total_seconds()
    return redis.Redis.from_url(
        url,
        socket_timeout=seconds,
        socket_connect_timeout=min(seconds, CONNECT_SECONDS),
        retry=Retry(NoBackoff(), 0),
    )


def connect(url: str, timeout: timedelta = COMMAND_TIMEOUT) -> "redis.Redis":
    """A `client` that has answered. Raises RedisUnavailable, which names the address."""
    connected = client(url, timeout)
    try:
        connected.ping()
    except (redis.RedisError, OSError) as cause:
        connected.close()
        raise RedisUnavailable(address=address_of(url), reason=_one_line(cause)) from None
    return connected


@dataclass(frozen=True, slots=True)
class Reply:
    """What one read brought: the list's bytes and each entity's, None where there is no key."""

    loads: bytes | None
    values: tuple[bytes | None, ...]


class OnlineReader:
    """Reads the list and the entities of one order in one MGET, so that all are of one instant.

    `send` and `receive` are apart, so that a request can ask PostgreSQL in between. It belongs to
    one thread. It never tries again: after a failure, and where an answer was not taken, the next
    `send` connects anew, so an answer that comes late can't be taken for another request's.
    """

    def __init__(
        self, url: str, timelines_id: str, *, timeout: timedelta = REQUEST_TIMEOUT
    ) -> None:
        options = {"protocol": 2, **_options(url)}
        kind = options.pop("connection_class", Connection)
        seconds = timeout.total_seconds()
        self._connection = kind(
            **options,
            socket_timeout=seconds,
            socket_connect_timeout=seconds,
            retry=Retry(NoBackoff(), 0),
            driver_info=None,
        )
        self._timelines_id = timelines_id
        self._list_key = list_key(timelines_id)
        self._waiting = False

    def send(self, entity_keys: Sequence[bytes]) -> None:
        """Ask for the list and these entities. Raises OnlineReadFailed."""
        keys = [value_key(self._timelines_id, key) for key in entity_keys]
        try:
            if self._waiting or self._ended():
                self.close()
            self._connection.send_command("MGET", self._list_key, *keys)
        except (redis.RedisError, OSError) as cause:
            raise self._failed(cause) from None
        self._waiting = True

    def receive(self) -> Reply:
        """What was asked for with `send`, in its order. Raises OnlineReadFailed."""
        try:
            loads, *values = self._connection.read_response()
        except (redis.RedisError, OSError) as cause:
            raise self._failed(cause) from None
        self._waiting = False
        return Reply(loads, tuple(values))

    def close(self) -> None:
        """Drop the connection, and with it an answer that nobody has read."""
        self._connection.disconnect()
        self._waiting = False

    def _ended(self) -> bool:
        """Whether there is something to read though nothing was asked: the end, if nothing else."""
        try:
            return bool(self._connection.is_connected and self._connection.can_read())
        except (redis.RedisError, OSError):
            return True

    def _failed(self, cause: Exception) -> OnlineReadFailed:
        self.close()
        return OnlineReadFailed(reason=_reason(cause))


def _options(url: str) -> dict[str, Any]:
    options: dict[str, Any] = parse_url(url)  # type: ignore[no-untyped-call]
    return options


def _reason(cause: Exception) -> str:
    if isinstance(cause, redis.TimeoutError | socket.timeout):
        return "timeout"
    return type(cause).__name__


def _one_line(cause: Exception) -> str:
    return str(cause).splitlines()[0].rstrip(".") if str(cause) else type(cause).__name__
