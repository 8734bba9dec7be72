"""Reading the online store: what a request needs, in one MGET."""

import socket
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import redis
from redis.backoff import NoBackoff
from redis.connection import Connection
from redis.retry import Retry

from features_pkg.errors import OntemError
from stores.redis.buckets import ValueUnreadable, read_timeline
from stores.redis.connection import url_options
from stores.redis.keys import GROUPS, Namespace, bucket_of, group_of, name_of
from stores.redis.load_list import (
    ListUnreadable,
    Load,
    LoadList,
    agreed_list,
    decode_list,
    load_for_day,
)

REQUEST_TIMEOUT: Final = timedelta(milliseconds=50)


class OnlineReadFailed(OntemError):
    """The online store can't say anything; `reason` is the name of the failure, never data."""

    def __init__(self, *, reason: str) -> None:
        super().__init__(f"the online store can't be read ({reason})")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class OnlineRead:
    """What one load says of the entities that were asked for, by their keys.

    None was never seen; an entity that could not be read is left out.
    """

    load: Load
    timelines: Mapping[bytes, bytes | None]


@dataclass(frozen=True, slots=True)
class _SentKeys:
    """What was sent: the lists of some groups, then the keys' buckets in each of the layouts.

    A layout is named by how many buckets a group has in it.
    """

    keys: tuple[bytes, ...]
    groups: tuple[int, ...]
    layouts: tuple[int, ...]

    def lists(self, answer: Sequence[bytes | None]) -> Sequence[bytes | None]:
        """The copy of each group's list."""
        return answer[: len(self.groups)]

    def buckets(self, answer: Sequence[bytes | None], buckets: int) -> Sequence[bytes | None]:
        """Each key's bucket, of those of which a group has `buckets`."""
        start = len(self.groups) + self.layouts.index(buckets) * len(self.keys)
        return answer[start : start + len(self.keys)]


class OnlineReader:
    """Reads the entities of one order and the list with one MGET, so all as of one instant.

    The list is read beside the buckets of each group, from the same node, so that a group that lost
    its data has none and its entities are missing. The number of buckets per group is in the list,
    so it is taken from the list of the request before. When there is none yet, or the number has
    changed, a second MGET is sent.

    `send` and `receive` are separate, so that a request can query PostgreSQL in between. A reader
    belongs to one thread. It never retries. After a failure, or when the last answer was not
    received, the next `send` opens a new connection, so that a late answer can't be taken for that
    of another request.
    """

    def __init__(
        self, url: str, namespace: Namespace, *, timeout: timedelta = REQUEST_TIMEOUT
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
        self._namespace = namespace
        self._list_keys = [namespace.list_key(group) for group in range(GROUPS)]
        self._layouts: tuple[int, ...] = ()
        self._sent = _SentKeys((), (), ())
        self._is_waiting = False
        self._last_list = (b"", LoadList())

    def send(self, entity_keys: Sequence[bytes]) -> None:
        """Send the request for these entities. Raises OnlineReadFailed."""
        groups = tuple({group_of(key) for key in entity_keys})
        self._sent = _SentKeys(tuple(entity_keys), groups, self._layouts)
        lists = [self._list_keys[group] for group in groups]
        buckets = [
            self._bucket_key(key, buckets) for buckets in self._layouts for key in entity_keys
        ]
        try:
            if self._is_waiting or self._is_stale():
                self.close()
            self._connection.send_command("MGET", *lists, *buckets)
        except (redis.RedisError, OSError) as cause:
            raise self._failure(cause) from None
        self._is_waiting = True

    def receive(self, due_day: int, max_stale_days: int) -> OnlineRead:
        """The answer to the last `send`, read as one load.

        That is the newest load as of `due_day` (ordinal) or of at most so many days before.
        Raises OnlineReadFailed when there is no answer, no list or no such load.
        """
        for _ in range(2):
            answer = self._receive()
            lists = self._lists(self._sent.lists(answer))
            load_list = agreed_list(list(lists.values()))
            load = load_for_day(load_list.loads, due_day, max_stale_days)
            if load is None:
                raise OnlineReadFailed(reason="no load")
            if load.buckets in self._sent.layouts:
                timelines = self._timelines(answer, lists.keys(), load, load_list)
                return OnlineRead(load, timelines)
            self._layouts = tuple({load.buckets for load in load_list.loads})
            self.send(self._sent.keys)
        raise OnlineReadFailed(reason="the list changed")

    def close(self) -> None:
        """Close the connection, and drop an answer that was not received."""
        self._connection.disconnect()
        self._is_waiting = False

    def _receive(self) -> Sequence[bytes | None]:
        try:
            answer: Sequence[bytes | None] = self._connection.read_response()
        except (redis.RedisError, OSError) as cause:
            raise self._failure(cause) from None
        self._is_waiting = False
        return answer

    def _lists(self, copies: Sequence[bytes | None]) -> dict[int, LoadList]:
        """The list of each group that has a sound one; there is one at least."""
        lists = {}
        for group, content in zip(self._sent.groups, copies, strict=True):
            if content is not None:
                try:
                    lists[group] = self._decoded(content)
                except ListUnreadable:
                    continue
        if not lists:
            raise OnlineReadFailed(reason="list unreadable" if any(copies) else "no list")
        return lists

    def _decoded(self, content: bytes) -> LoadList:
        """The list in these bytes, usually those of the last one. Raises ListUnreadable."""
        if content != self._last_list[0]:
            self._last_list = (content, decode_list(content, self._namespace.prefix))
        return self._last_list[1]

    def _timelines(
        self,
        answer: Sequence[bytes | None],
        groups: Collection[int],
        load: Load,
        load_list: LoadList,
    ) -> dict[bytes, bytes | None]:
        """What `load` says of the entities of these groups."""
        sent, timelines = self._sent, {}
        contents = sent.buckets(answer, load.buckets)
        for key, content in zip(sent.keys, contents, strict=True):
            if group_of(key) not in groups:
                continue
            bucket_key = self._bucket_key(key, load.buckets)
            try:
                timelines[key] = read_timeline(
                    content, bucket_key, name_of(key), load.load_id, load_list
                )
            except ValueUnreadable:
                continue
        return timelines

    def _bucket_key(self, entity_key: bytes, buckets: int) -> bytes:
        number = bucket_of(entity_key, buckets)
        return self._namespace.bucket_key(buckets, group_of(entity_key), number)

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
