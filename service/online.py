"""The online store for the requests of one process."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from service.breaker import Admission, Breaker
from service.deadline import Deadline
from service.pool import Maker, NoneReady, Pool
from service.pooled_store import PooledStore
from stores.redis.keys import Namespace
from stores.redis.reader import (
    CONNECT_TIMEOUT,
    OnlineRead,
    OnlineReader,
    OnlineReadFailed,
    OnlineStoreSilent,
)


class OnlineStore(PooledStore[OnlineReader]):
    """Redis for all threads of one process."""

    def __init__(self, url: str, namespace: Namespace, *, connections: int = 4) -> None:
        self._url, self._namespace = url, namespace
        super().__init__(Maker("redis", self._make, OnlineReader.close, _is_usable), connections)

    @contextmanager
    def question(self, keys: Sequence[bytes], deadline: Deadline) -> "Iterator[Question]":
        """What is known of these entities: sent to Redis now, to be answered by the deadline."""
        question = Question(self._pool, self._breaker, deadline)
        question.send(keys)
        try:
            yield question
        finally:
            question.close()

    def _make(self) -> OnlineReader:
        reader = OnlineReader(self._url, self._namespace)
        reader.seconds_left = Deadline.within(CONNECT_TIMEOUT).left
        reader.connect()
        return reader


class Question:
    """One question to Redis. What goes wrong when it is sent is told when the answer is taken."""

    def __init__(self, pool: Pool[OnlineReader], breaker: Breaker, deadline: Deadline) -> None:
        self._pool, self._breaker, self._deadline = pool, breaker, deadline
        self._reader: OnlineReader | None = None
        self._admission: Admission | None = None
        self._seconds_given = 0.0
        self._failure: OnlineReadFailed | None = None

    def send(self, keys: Sequence[bytes]) -> None:
        """Ask Redis for the entities with these keys, and for the list of loads."""
        try:
            self._take().send(keys)
        except OnlineReadFailed as failure:
            self._fail(failure)

    @property
    def has_answer(self) -> bool:
        """Whether the answer has come, so that taking it waits for nothing."""
        return self._reader is not None and self._failure is None and self._reader.has_answer

    def answer(self, due_day: int, max_stale_days: int) -> OnlineRead:
        """What one load says; see `OnlineReader.receive`. Raises OnlineReadFailed."""
        if self._reader is None or self._failure is not None:
            raise self._failure or OnlineStoreSilent(reason="not asked")
        try:
            online_read = self._reader.receive(due_day, max_stale_days)
        except OnlineReadFailed as failure:
            self._fail(failure)
            raise
        self._record(is_answered=True)
        return online_read

    def close(self) -> None:
        """Give the connection back, or have it made anew if it is of no more use."""
        self._record(is_answered=False)
        if self._reader is None:
            return
        if self._reader.is_idle:
            self._pool.give_back(self._reader)
        else:
            self._pool.drop(self._reader)

    def _take(self) -> OnlineReader:
        """A connection on which the question may be sent now. Raises OnlineReadFailed."""
        self._admission = self._breaker.admit()
        if self._admission is None:
            raise OnlineReadFailed(reason="breaker open")
        self._seconds_given = self._deadline.left()
        try:
            self._reader = self._pool.take(self._deadline)
        except NoneReady as none:
            if not none.was_awaited:
                self._seconds_given = 0.0  # it cost nothing, so it is no failure
            raise OnlineStoreSilent(reason=f"no connection: {none.reason}") from None
        self._reader.seconds_left = self._deadline.left
        self._seconds_given = self._deadline.left()
        return self._reader

    def _fail(self, failure: OnlineReadFailed) -> None:
        self._failure = failure
        self._record(is_answered=not isinstance(failure, OnlineStoreSilent))

    def _record(self, *, is_answered: bool) -> None:
        """Tell the breaker the outcome, once."""
        admission, self._admission = self._admission, None
        if admission and self._breaker.record(
            admission, is_answered=is_answered, seconds_given=self._seconds_given
        ):
            self._pool.renew()


def _is_usable(reader: OnlineReader) -> bool:
    return reader.is_usable
