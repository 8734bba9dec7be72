"""Connections to Redis, the online store."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any, Final, cast
from urllib.parse import parse_qs, urlsplit

import redis
from redis.backoff import NoBackoff
from redis.cluster import RedisCluster
from redis.connection import SSLConnection, parse_url
from redis.exceptions import RedisClusterException
from redis.retry import Retry

from features_pkg.errors import OntemError
from stores.checkout import server_remedy
from stores.redis.errors import RedisLost

COMMAND_TIMEOUT: Final = timedelta(seconds=10)
CONNECT_SECONDS: Final = 5.0
CLUSTER: Final = "cluster"
"""The option of a URL that says whether the server is a node of a cluster."""


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
    if is_cluster_url(url):
        return _cluster_client(url, seconds)
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


@contextmanager
def loss_refused() -> Iterator[None]:
    """Raises RedisLost for a call that Redis did not confirm."""
    try:
        yield
    except (redis.RedisError, RedisClusterException, OSError) as cause:
        raise RedisLost(reason=_one_line(cause)) from None


def url_options(url: str) -> dict[str, Any]:
    """The parts of a connection URL as redis-py names them: host, port, db, password and others."""
    options: dict[str, Any] = parse_url(url)  # type: ignore[no-untyped-call]
    options.pop(CLUSTER, None)
    return options


def is_cluster_url(url: str) -> bool:
    """Whether the URL says, by its option `cluster=yes`, that the server is a node of a cluster."""
    return parse_qs(urlsplit(url).query).get(CLUSTER) == ["yes"]


class LateCluster:
    """A client of a cluster that finds its nodes at its first use, as others connect.

    A cluster that is lost is a redis.ConnectionError, as a server is: redis-py has an exception of
    another family.
    """

    def __init__(self, connect: Callable[[], Any]) -> None:
        self._connect = connect
        self._client: Any = None

    def __getattr__(self, name: str) -> Any:
        """What the client has under this name. Raises redis.ConnectionError without a cluster."""
        if self._client is None:
            self._client = _refusing_loss(self._connect)()
        found = getattr(self._client, name)
        return _refusing_loss(found) if callable(found) else found

    def close(self) -> None:
        """Close all connections, if there are any."""
        if self._client is not None:
            self._client.close()

    def __enter__(self) -> "LateCluster":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _refusing_loss(call: Callable[..., Any]) -> Callable[..., Any]:
    def calling(*values: Any, **options: Any) -> Any:
        try:
            return call(*values, **options)
        except RedisClusterException as error:
            raise redis.ConnectionError(_one_line(error)) from None

    return calling


def _cluster_client(url: str, seconds: float) -> "redis.Redis":
    options = url_options(url)
    connection_class = options.pop("connection_class", None)
    if connection_class is not None and issubclass(connection_class, SSLConnection):
        options["ssl"] = True
    options.pop("db", None)  # a cluster has one
    client: Any = LateCluster(
        partial(
            RedisCluster,
            **options,
            socket_timeout=seconds,
            socket_connect_timeout=min(seconds, CONNECT_SECONDS),
            retry=Retry(NoBackoff(), 0),
        )
    )
    return cast("redis.Redis", client)


def _one_line(cause: Exception) -> str:
    return str(cause).splitlines()[0].rstrip(".") if str(cause) else type(cause).__name__
