"""Reading the online store: what a request needs, in one MGET."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain
from typing import Final

import redis

from features_pkg.errors import OntemError
from stores.redis.bounded import BoundedConnection
from stores.redis.buckets import ValueUnreadable, read_timeline
from stores.redis.cluster_connection import ClusterConnection
from stores.redis.connection import is_cluster_url
from stores.redis.keys import GROUPS, Namespace, bucket_of, group_of, name_of
from stores.redis.load_list import (
    ListUnreadable,
    Load,
    LoadList,
    agreed_list,
    decode_list,
    load_for_day,
)
from stores.redis.sent_keys import SentKeys

CONNECT_TIMEOUT: Final = timedelta(seconds=2)
_FAILURES: Final = (redis.RedisError, OSError, ValueError)
"""What a bad reply or none raises; ValueError for an error that is not text."""


class OnlineReadFailed(OntemError):
    """The online store can't say anything; `reason` is the name of the failure, never data."""

    def __init__(self, *, reason: str) -> None:
        super().__init__(f"the online store can't be read ({reason})")
        self.reason = reason


class OnlineStoreSilent(OnlineReadFailed):
    """The online store did not answer in time, or its connection was lost."""


@dataclass(frozen=True, slots=True)
class OnlineRead:
    """What one load says of the entities that were asked for, by their keys.

    None was never seen; an entity that could not be read is left out.
    """

    load: Load
    timelines: Mapping[bytes, bytes | None]


class OnlineReader:
    """Reads the entities of one order and the list with one MGET, so all as of one instant.

    On a cluster it is one for each group, and what their lists agree on is read.

    The list is read beside the buckets of each group, from the same node, so that a group that lost
    its data has none and its entities are missing. The number of buckets per group is in the list,
    so it is taken from the list of the request before. When there is none yet, or the number has
    changed, a second MGET is sent.

    `send` and `receive` are separate, so that a request can query PostgreSQL in between. A reader
    belongs to one thread at a time. It never retries. After a failure it is closed for good, so
    that a late answer can't be taken for that of another request.
    """

    seconds_left: Callable[[], float]
    """How long the answer may take from now on; by default the reader's timeout."""

    def __init__(
        self, url: str, namespace: Namespace, *, timeout: timedelta = CONNECT_TIMEOUT
    ) -> None:
        """Make a reader that is not connected yet; connecting may take as long as an answer."""
        seconds = timeout.total_seconds()
        self.seconds_left = lambda: seconds
        connection = ClusterConnection if is_cluster_url(url) else BoundedConnection
        self._connection = connection(url, lambda: self.seconds_left(), seconds)
        self._namespace = namespace
        self._list_keys = [namespace.list_key(group) for group in range(GROUPS)]
        self._layouts: tuple[int, ...] = ()
        self._sent = SentKeys((), (), {})
        self._is_waiting = False
        self._last_list = (b"", LoadList())

    @property
    def is_idle(self) -> bool:
        """Whether it is connected, and no answer is outstanding."""
        return self._connection.is_connected and not self._is_waiting

    @property
    def is_usable(self) -> bool:
        """Whether the next `send` may succeed: Redis has not ended the connection meanwhile."""
        if not self.is_idle:
            return False
        with suppress(redis.RedisError, OSError):
            return not self._connection.can_read()
        return False

    def connect(self) -> None:
        """Connect, and learn how many buckets a group has. Raises OnlineReadFailed."""
        try:
            self._connection.connect()
            self._connection.send(b"MGET", self._list_keys[0])
        except _FAILURES as cause:
            raise self._failure(cause) from None
        (content,) = self._reply(1)
        with suppress(ListUnreadable):
            self._note_layouts(self._decoded(content or b""))

    def send(self, entity_keys: Sequence[bytes]) -> None:
        """Send the request for these entities once connected. Raises OnlineReadFailed."""
        groups = tuple({group_of(key) for key in entity_keys})
        lists = [self._list_keys[group] for group in groups]
        buckets = {
            layout: [
                self._namespace.bucket_key(layout, group_of(key), bucket_of(key, layout))
                for key in entity_keys
            ]
            for layout in self._layouts
        }
        self._sent = SentKeys(tuple(entity_keys), groups, buckets)
        try:
            self._connection.send(b"MGET", *lists, *chain.from_iterable(buckets.values()))
        except _FAILURES as cause:
            raise self._failure(cause) from None
        self._is_waiting = True

    @property
    def has_answer(self) -> bool:
        """Whether the answer to the last `send` has come as a whole, or can't come any more."""
        try:
            return self._connection.has_reply()
        except _FAILURES:
            return True

    def receive(self, due_day: int, max_stale_days: int) -> OnlineRead:
        """The answer to the last `send`, read as one load.

        That is the newest load as of `due_day` (ordinal) or of at most so many days before.
        Raises OnlineReadFailed when there is no answer, no list or no such load.
        """
        for _ in range(2):
            answer = self._reply(self._sent.length)
            self._is_waiting = False
            lists = self._lists(self._sent.lists(answer))
            load_list = agreed_list(list(lists.values()))
            load = load_for_day(load_list.loads, due_day, max_stale_days)
            if load is None:
                raise OnlineReadFailed(reason="no load")
            if load.buckets in self._sent.buckets:
                timelines = self._timelines(answer, lists.keys(), load, load_list)
                return OnlineRead(load, timelines)
            self._note_layouts(load_list)
            self.send(self._sent.keys)
        raise OnlineReadFailed(reason="the list changed")

    def close(self) -> None:
        """Close the connection, and drop an answer that was not received."""
        self._connection.close()
        self._is_waiting = False

    def _reply(self, length: int) -> Sequence[bytes | None]:
        """The reply to an MGET of so many keys; another one is that of another request."""
        try:
            reply = self._connection.receive()
        except _FAILURES as cause:
            raise self._failure(cause) from None
        is_list = isinstance(reply, list) and len(reply) == length
        if not is_list or not all(value is None or type(value) is bytes for value in reply):
            self.close()
            raise OnlineStoreSilent(reason="another reply")
        values: list[bytes | None] = reply
        return values

    def _note_layouts(self, load_list: LoadList) -> None:
        self._layouts = tuple({load.buckets for load in load_list.loads})

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
        contents = sent.contents(answer, load.buckets)
        bucket_keys = sent.buckets[load.buckets]
        for key, bucket_key, content in zip(sent.keys, bucket_keys, contents, strict=True):
            if group_of(key) not in groups:
                continue
            try:
                timelines[key] = read_timeline(
                    content, bucket_key, name_of(key), load.load_id, load_list
                )
            except ValueUnreadable:
                continue
        return timelines

    def _failure(self, cause: Exception) -> OnlineReadFailed:
        self.close()
        if isinstance(cause, redis.TimeoutError | TimeoutError):
            return OnlineStoreSilent(reason="timeout")
        code = _error_code(cause)
        if code is not None:
            return OnlineReadFailed(reason=code)
        return OnlineStoreSilent(reason=type(cause).__name__)


def _error_code(cause: Exception) -> str | None:
    """The word with which Redis answers an error, such as LOADING; None if it did not answer."""
    code: str | None = getattr(cause, "status_code", None)
    if code is None and isinstance(cause, redis.ResponseError):
        word = str(cause).split(" ")[0]
        code = word if word.isalpha() and word.isupper() else "ERR"
    return code
