"""Connections to Redis, the online store."""

from datetime import timedelta
from typing import Any, Final

import redis
from redis.backoff import NoBackoff
from redis.connection import parse_url
from redis.retry import Retry

from features_pkg.errors import OntemError
from stores.checkout import server_remedy

COMMAND_TIMEOUT: Final = timedelta(seconds=10)
CONNECT_SECONDS: Final = 5.0


class RedisUnavailable(OntemError):
    """Redis did not answer at its address, or refused us."""

    def __init__(self, *, address: str, reason: str) -> None:
        super().__init__(
            f"Redis at {address} is not available ({reason}): {server_remedy('ONTEM_REDIS_URL')}"
        )
        self.address, self.reason = address, reason


def redis_address(url: str) -> str:
    """`host:port/database` of a connection URL, for a message: it has no password."""
    options = url_options(url)
    return f"{options.get('host', 'localhost')}:{options.get('port', 6379)}/{options.get('db', 0)}"


def redis_client(url: str, timeout: timedelta = COMMAND_TIMEOUT) -> "redis.Redis":
    """A client that gives up after `timeout` and does not retry; it connects at its first use."""
    seconds = timeout.total_seconds()
    return redis.Redis.from_url(
        url,
        socket_timeout=seconds,
        socket_connect_timeout=min(seconds, CONNECT_SECONDS),
        retry=Retry(NoBackoff(), 0),
    )


def connect_redis(url: str, timeout: timedelta = COMMAND_TIMEOUT) -> "redis.Redis":
    """A `redis_client` whose server has answered. Raises RedisUnavailable."""
    connected = redis_client(url, timeout)
    try:
        connected.ping()
    except (redis.RedisError, OSError) as cause:
        connected.close()
        raise RedisUnavailable(address=redis_address(url), reason=_one_line(cause)) from None
    return connected


def url_options(url: str) -> dict[str, Any]:
    """The parts of a connection URL as redis-py names them: host, port, db, password and others."""
    options: dict[str, Any] = parse_url(url)  # type: ignore[no-untyped-call]
    return options


def _one_line(cause: Exception) -> str:
    return str(cause).splitlines()[0].rstrip(".") if str(cause) else type(cause).__name__
