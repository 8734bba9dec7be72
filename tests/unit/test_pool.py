"""Connections that are made before they are needed, and told apart from those that ended."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from service.deadline import Deadline
from service.pool import FINISH_SECONDS, LONG_ATTEMPT_SECONDS, Maker, NoneReady, Pool
from tests.unit.clocks import Clock

LONG = timedelta(seconds=30)


@dataclass(eq=False)
class Wire:
    """A connection to nothing."""

    number: int
    has_ended: bool = False
    answer: bool | Exception = False
    """Whether its last answer is there, or what is raised in the place of it."""
    looks: int = 0

    def finish(self) -> bool:
        self.looks += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@dataclass
class Store:
    """A store that can be away, or let everybody wait who connects."""

    is_away: bool = False
    lets_in: threading.Event = field(default_factory=threading.Event)
    made: list[Wire] = field(default_factory=list)

    def make(self) -> Wire:
        assert self.lets_in.wait(LONG.total_seconds())
        if self.is_away:
            raise ConnectionRefusedError
        self.made.append(Wire(len(self.made) + 1))
        return self.made[-1]

    def close(self, wire: Wire) -> None:
        wire.has_ended = True

    @property
    def open(self) -> int:
        return sum(not wire.has_ended for wire in self.made)


@pytest.fixture
def store() -> Store:
    store = Store()
    store.lets_in.set()
    return store


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pool(store: Store, clock: Clock) -> Iterator[Pool[Wire]]:
    maker = Maker("store", store.make, store.close, lambda wire: not wire.has_ended, Wire.finish)
    pool = Pool(maker, 2, clock)
    yield pool
    pool.close()


def take(pool: Pool[Wire], limit: timedelta = LONG) -> Wire:
    return pool.take(Deadline.within(limit))


def until_taken(pool: Pool[Wire]) -> Wire:
    """A connection, once the store lets one be made."""
    deadline = Deadline.within(LONG)
    while deadline.left():
        try:
            return take(pool)
        except NoneReady:
            continue
    raise AssertionError("the pool does not connect again")


def test_who_waits_for_a_connection_gets_the_first_that_is_given_back(pool: Pool[Wire]):
    """It is that request which is woken, and not the thread of the pool, which waits longer."""
    first, _ = take(pool), take(pool)
    waits, found = threading.Event(), list[Wire]()

    def clock() -> float:
        waits.set()  # the pool asks right before it waits, and lets nobody in until then
        return 0.0

    taker = threading.Thread(target=lambda: found.append(pool.take(Deadline(0.0, 5.0, clock))))
    taker.start()
    assert waits.wait(LONG.total_seconds())
    pool.give_back(first)
    taker.join(LONG.total_seconds())

    assert found == [first]


def test_a_connection_is_taken_by_one_at_a_time_and_given_back_to_the_next(pool: Pool[Wire]):
    first, second = take(pool), take(pool)
    pool.give_back(first)

    assert first is not second
    assert take(pool) is first


def test_no_more_are_made_than_there_are_threads(pool: Pool[Wire], store: Store):
    taken = [take(pool), take(pool)]
    with pytest.raises(NoneReady, match="none in time"):
        take(pool, timedelta(milliseconds=1))

    assert len(store.made) == len(taken)


def test_one_that_is_being_made_is_waited_for_no_longer_than_the_deadline(
    pool: Pool[Wire], store: Store
):
    store.lets_in.clear()
    with pytest.raises(NoneReady, match="none in time"):
        take(pool, timedelta(milliseconds=1))
    threading.Timer(0.01, store.lets_in.set).start()

    assert take(pool).number in (1, 2)


def test_one_that_has_been_connecting_for_long_is_not_waited_for(
    pool: Pool[Wire], store: Store, clock: Clock
):
    store.lets_in.clear()
    with pytest.raises(NoneReady, match="none in time"):
        take(pool, timedelta(milliseconds=50))
    clock.now += 2 * LONG_ATTEMPT_SECONDS

    with pytest.raises(NoneReady, match="connecting takes long"):
        take(pool)
    store.lets_in.set()
    assert until_taken(pool).number in (1, 2)


def test_that_a_store_is_away_is_told_at_once_until_it_is_back(pool: Pool[Wire], store: Store):
    store.is_away = True
    for _ in range(2):
        with pytest.raises(NoneReady, match="ConnectionRefusedError"):
            take(pool)
    store.is_away = False

    assert until_taken(pool).number in (1, 2)


def test_one_that_ended_while_nobody_used_it_is_never_taken(pool: Pool[Wire]):
    first, second = take(pool), take(pool)
    for wire in (first, second):
        wire.has_ended = True
        pool.give_back(wire)

    assert take(pool) not in (first, second)


def test_what_is_dropped_is_made_anew(pool: Pool[Wire], store: Store):
    first, second = take(pool), take(pool)
    pool.drop(first)

    assert take(pool).number == 3
    assert (first.has_ended, second.has_ended, store.open) == (True, False, 2)


def test_all_that_nobody_uses_are_made_anew_at_once(pool: Pool[Wire]):
    first, second = take(pool), take(pool)
    pool.give_back(first)
    pool.renew()

    assert (first.has_ended, second.has_ended) == (True, False)
    assert take(pool) not in (first, second)


def unfinished(pool: Pool[Wire]) -> tuple[Wire, Wire]:
    """Two that wait for their last answers, which the pool has looked for."""
    first, second = take(pool), take(pool)
    for wire in (first, second):
        pool.let_finish(wire)
    deadline = Deadline.within(LONG)
    while deadline.left() and not (first.looks and second.looks):
        with pytest.raises(NoneReady, match="none in time"):
            take(pool, timedelta(milliseconds=1))
    return first, second


def test_one_whose_last_answer_comes_late_is_taken_again_and_none_is_made_for_it(
    pool: Pool[Wire], store: Store
):
    first, second = unfinished(pool)
    second.answer = True
    assert take(pool) is second
    first.answer = True

    assert (take(pool), store.open, len(store.made)) == (first, 2, 2)
    assert pool.sizes == (0, 2, 2)


def test_those_whose_last_answers_do_not_come_are_made_anew(
    pool: Pool[Wire], store: Store, clock: Clock
):
    first, second = unfinished(pool)
    clock.now += 2 * FINISH_SECONDS

    assert {take(pool).number, take(pool).number} == {3, 4}
    assert (first.has_ended, second.has_ended, store.open) == (True, True, 2)


def test_one_that_is_lost_while_its_last_answer_is_awaited_is_made_anew(pool: Pool[Wire]):
    first, second = unfinished(pool)
    first.answer = ConnectionResetError()

    assert take(pool).number == 3
    assert (first.has_ended, second.has_ended) == (True, False)


def test_while_none_can_be_made_one_whose_last_answer_comes_is_taken_again(
    pool: Pool[Wire], store: Store
):
    first, second = take(pool), take(pool)
    store.is_away = True
    pool.drop(first)
    with pytest.raises(NoneReady, match="ConnectionRefusedError"):
        take(pool)
    second.answer = True
    pool.let_finish(second)

    assert take(pool) is second


def test_while_one_is_being_made_one_whose_last_answer_comes_is_taken_again(
    pool: Pool[Wire], store: Store
):
    first, second = take(pool), take(pool)
    store.lets_in.clear()
    pool.drop(first)
    pool.let_finish(second)
    threading.Timer(0.05, lambda: setattr(second, "answer", True)).start()

    assert take(pool) is second
    store.lets_in.set()


def test_while_none_can_be_made_those_whose_last_answers_do_not_come_are_closed(
    pool: Pool[Wire], store: Store, clock: Clock
):
    """They may have what the next one waits for, as the last sessions of a server."""
    first, second = take(pool), take(pool)
    store.is_away = True
    pool.drop(first)
    with pytest.raises(NoneReady, match="ConnectionRefusedError"):
        take(pool)
    pool.let_finish(second)
    clock.now += 2 * FINISH_SECONDS
    deadline = Deadline.within(LONG)
    while deadline.left() and not second.has_ended:
        time.sleep(0.01)

    assert second.has_ended


def test_those_whose_last_answers_are_awaited_are_renewed_and_closed_as_others_are(
    pool: Pool[Wire], store: Store
):
    unfinished(pool)
    pool.renew()
    third, fourth = take(pool), take(pool)
    assert {third.number, fourth.number} == {3, 4}
    pool.let_finish(third)
    pool.close()
    pool.let_finish(fourth)

    assert store.open == 0


def test_a_closed_pool_has_no_open_connection_and_gives_none(pool: Pool[Wire], store: Store):
    first, second = take(pool), take(pool)
    pool.give_back(first)
    pool.close()
    pool.give_back(second)

    assert store.open == 0
    with pytest.raises(NoneReady, match="closed"):
        take(pool)


def test_one_that_gets_ready_after_the_end_is_closed(pool: Pool[Wire], store: Store):
    store.lets_in.clear()
    pool.start()
    pool.close()
    store.lets_in.set()
    for thread in threading.enumerate():
        if thread.name == "store connections":
            thread.join(LONG.total_seconds())

    assert store.open == 0
