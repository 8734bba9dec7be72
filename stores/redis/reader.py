"""How a request reads the online store: the list and its entities in one MGET."""

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import redis
from redis.backoff import NoBackoff
from redis.connection import Connection
from redis.retry import Retry

from features_pkg.errors import OntemError
from stores.redis.connection import url_options
from stores.redis.keys import list_key, value_key

REQUEST_TIMEOUT: Final = timedelta(milliseconds=50)


class OnlineReadFailed(OntemError):
    """One read of the online store had no answer; `reason` is a class name, never data."""

    def __init__(self, *, reason: str) -> None:
        super().__init__(f"the online store did not answer ({reason})")
        self.reason = reason


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
        options = {"protocol": 2, **url_options(url)}
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


def _reason(cause: Exception) -> str:
    if isinstance(cause, redis.TimeoutError | socket.timeout):
        return "timeout"
    return type(cause).__name__
