"""Reading the online store: what is published, and what a request needs, in one MGET."""

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, cast

import redis
from redis.backoff import NoBackoff
from redis.connection import Connection
from redis.retry import Retry

from features_pkg.errors import OntemError
from stores.redis.connection import url_options
from stores.redis.errors import ListDamaged
from stores.redis.keys import list_key, value_key
from stores.redis.values import Load, VersionUnreadable, decode_list

REQUEST_TIMEOUT: Final = timedelta(milliseconds=50)


@dataclass(frozen=True, slots=True)
class Published:
    """The list of published loads as Redis has it, oldest first, and its bytes."""

    content: bytes
    loads: tuple[Load, ...]

    @property
    def newest(self) -> Load | None:
        """The newest load, None when there is none."""
        return self.loads[-1] if self.loads else None

    @property
    def ids(self) -> frozenset[int]:
        """The ids of all its loads."""
        return frozenset(load.load_id for load in self.loads)


def read_published(client: "redis.Redis", timelines_id: str) -> Published:
    """The loads that requests can see now. Raises ListDamaged."""
    key = list_key(timelines_id)
    content = cast(bytes | None, client.get(key)) or b""
    try:
        return Published(content, decode_list(content) if content else ())
    except VersionUnreadable as error:
        raise ListDamaged(key=key, reason=str(error)) from None


class OnlineReadFailed(OntemError):
    """The online store did not answer; `reason` is the name of the failure, never data."""

    def __init__(self, *, reason: str) -> None:
        super().__init__(f"the online store did not answer ({reason})")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Reply:
    """The bytes of the list and of each entity's value; None where there is no such key."""

    loads: bytes | None
    values: tuple[bytes | None, ...]


class OnlineReader:
    """Reads the list and the entities of one order with one MGET, so all as of one instant.

    `send` and `receive` are separate, so that a request can query PostgreSQL in between. A reader
    belongs to one thread. It never retries. After a failure, or when the last answer was not
    received, the next `send` opens a new connection, so that a late answer can't be taken for that
    of another request.
    """

    def __init__(
        self, url: str, timelines_id: str, *, timeout: timedelta = REQUEST_TIMEOUT
    ) -> None:
        options = {"protocol": 2, **url_options(url)}
        connection_class = options.pop("connection_class", Connection)
        seconds = timeout.total_seconds()
        self._connection = connection_class(
            **options,
            socket_timeout=seconds,
            socket_connect_timeout=seconds,
            retry=Retry(NoBackoff(), 0),
            driver_info=None,
        )
        self._timelines_id = timelines_id
        self._list_key = list_key(timelines_id)
        self._is_waiting = False

    def send(self, entity_keys: Sequence[bytes]) -> None:
        """Send the request for the list and these entities. Raises OnlineReadFailed."""
        keys = [value_key(self._timelines_id, key) for key in entity_keys]
        try:
            if self._is_waiting or self._is_stale():
                self.close()
            self._connection.send_command("MGET", self._list_key, *keys)
        except (redis.RedisError, OSError) as cause:
            raise self._failure(cause) from None
        self._is_waiting = True

    def receive(self) -> Reply:
        """The answer to the last `send`, in its order. Raises OnlineReadFailed."""
        try:
            loads, *values = self._connection.read_response()
        except (redis.RedisError, OSError) as cause:
            raise self._failure(cause) from None
        self._is_waiting = False
        return Reply(loads, tuple(values))

    def close(self) -> None:
        """Close the connection, and drop an answer that was not received."""
        self._connection.disconnect()
        self._is_waiting = False

    def _is_stale(self) -> bool:
        """Whether the connection can be read although nothing was sent.

        Then Redis has closed it, or it still holds an answer: in both cases it is of no use.
        """
        try:
            return bool(self._connection.is_connected and self._connection.can_read())
        except (redis.RedisError, OSError):
            return True

    def _failure(self, cause: Exception) -> OnlineReadFailed:
        self.close()
        is_timeout = isinstance(cause, redis.TimeoutError | socket.timeout)
        return OnlineReadFailed(reason="timeout" if is_timeout else type(cause).__name__)
