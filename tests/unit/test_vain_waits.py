"""To wait in vain for a connection is a failure of the store; to be told at once is none."""

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from service import pool as pools
from service.breaker import Breaker
from service.deadline import Deadline
from service.online import Question
from service.pool import Maker, Pool
from service.session import Session
from stores.postgres.connection import PostgresUnavailable
from stores.redis.reader import OnlineReadFailed

TIMES = 50
ENOUGH = timedelta(milliseconds=100)


def ask_postgresql(pool: Pool[Any], breaker: Breaker) -> None:
    session = Session(pool, breaker, "localhost:1/none")
    with suppress(PostgresUnavailable):
        session.call(lambda _: None, Deadline.within(ENOUGH))
    session.close()


def ask_redis(pool: Pool[Any], breaker: Breaker) -> None:
    question = Question(pool, breaker, Deadline.within(ENOUGH))
    question.send([])
    with pytest.raises(OnlineReadFailed, match=r"no connection|breaker open"):
        question.answer(1, 1)
    question.close()


BOTH = pytest.mark.parametrize("ask", [ask_postgresql, ask_redis])


@pytest.fixture
def is_over() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


@BOTH
def test_a_store_that_lets_connections_wait_is_asked_no_more(
    ask: Callable[[Pool[Any], Breaker], None],
    is_over: threading.Event,
    monkeypatch: pytest.MonkeyPatch,
):
    """As a server that is frozen: it takes connections, and says nothing on them."""
    monkeypatch.setattr(pools, "LONG_ATTEMPT_SECONDS", 1_000.0)
    breaker = Breaker(lambda: 0.0)
    pool = Pool(Maker("a store", is_over.wait, lambda _: None, lambda _: True), 1)
    for _ in range(TIMES):
        if breaker.state == "open":
            break
        ask(pool, breaker)
    pool.close()

    assert breaker.state == "open"


@BOTH
def test_a_store_that_refuses_connections_is_tried_as_soon_as_it_takes_them(
    ask: Callable[[Pool[Any], Breaker], None],
):
    def make() -> None:
        raise ConnectionRefusedError

    breaker = Breaker(lambda: 0.0)
    pool = Pool(Maker("a store", make, lambda _: None, lambda _: True), 1)
    pool.start()
    pool.settle(Deadline.within(timedelta(seconds=30)).ends_at)
    for _ in range(TIMES):
        ask(pool, breaker)
    pool.close()

    assert breaker.state == "closed"
