"""An answer of PostgreSQL that a request leaves outstanding is never another request's."""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta

import psycopg
import pytest
from psycopg.errors import FeatureNotSupported, InvalidSqlStatementName
from psycopg.types.numeric import Int8

from features_pkg.orders.order import Order
from service import recent
from service.breaker import (
    FAILURES_TO_OPEN,
    FAIR_SECONDS,
    FIRST_OPEN_SECONDS,
    LONGEST_OPEN_SECONDS,
    Breaker,
)
from service.database import Database
from service.deadline import Deadline
from service.online import OnlineStore
from service.session import ServiceConnection, Session
from service.statements import Statement
from stores.postgres.bounded import DeadlineMet
from stores.postgres.connection import PostgresUnavailable, connect
from stores.redis.keys import Namespace

LONG = timedelta(seconds=30)


@pytest.fixture
def database(module_database_url: str) -> Iterator[Database]:
    """With one connection."""
    database = Database(module_database_url, statement_timeout=LONG, connections=1)
    yield database
    database.close()


RECENT = recent.values_of(1, Order(order_id="o", amount_cents=1, items=()), 0, 1)


def in_session(database: Database, use: Callable[[Session], object]) -> None:
    with database.session() as session:
        use(session)


def backend(session: Session) -> int:
    return session.call(lambda connection: connection.info.backend_pid, Deadline.within(LONG))


def test_what_fails_between_the_question_and_its_answer_leaves_no_answer_to_the_next_request(
    database: Database,
) -> None:
    def fail(session: Session) -> None:
        pids.append(backend(session))
        session.send(recent.RECENT, RECENT, Deadline.within(LONG))
        raise ZeroDivisionError

    pids: list[int] = []
    with pytest.raises(ZeroDivisionError):
        in_session(database, fail)
    in_session(database, lambda session: pids.append(backend(session)))

    assert len(set(pids)) == 2


def test_a_question_before_the_answer_to_the_last_one_goes_over_another_connection(
    database: Database,
) -> None:
    with database.session() as session:
        first = backend(session)
        pending = session.send(recent.RECENT, RECENT, Deadline.within(LONG))
        second = session.run(recent.RECENT, RECENT, Deadline.within(LONG))
        assert backend(session) != first
        with pytest.raises(psycopg.OperationalError):
            pending.rows()

    assert [row[2] for row in second] == ["visible"]


def test_an_answer_that_is_never_taken_counts_as_none_and_ends_a_probe(database: Database) -> None:
    now = 0.0
    database._breaker = Breaker(lambda: now)

    def forget(session: Session) -> None:
        session.send(recent.RECENT, RECENT, Deadline.within(LONG))

    for _ in range(FAILURES_TO_OPEN):
        assert database.breaker_state == "closed"
        in_session(database, forget)
    assert database.breaker_state == "open"
    now += FIRST_OPEN_SECONDS
    in_session(database, forget)  # the probe
    assert database.breaker_state == "open"
    now += LONGEST_OPEN_SECONDS
    in_session(database, lambda session: session.run(recent.RECENT, RECENT, Deadline.within(LONG)))

    assert database.breaker_state == "closed"


def test_requests_that_begin_with_little_time_do_not_close_the_way_for_others(
    database: Database, module_redis_url: str
) -> None:
    """As those of one merchant whose policy lowers the deadline to 10 ms, on a busy machine."""
    online = OnlineStore(module_redis_url, Namespace("tests", "1"), connections=1)
    for seconds, state in ((FAIR_SECONDS / 2, "closed"), (FAIR_SECONDS * 25, "open")):
        for _ in range(FAILURES_TO_OPEN):
            for store in (database, online):
                store.start()
                store.settle(time.monotonic() + 30)
            limit = timedelta(seconds=seconds)
            with database.session() as session, suppress(DeadlineMet, PostgresUnavailable):
                session.call(sleep, Deadline.within(limit))
            with online.question([bytes(16)], Deadline.within(limit)):
                pass  # its answer is not taken
        assert (database.breaker_state, online.breaker_state) == (state, state)
    online.close()


def test_what_a_request_waited_for_a_connection_is_no_time_that_the_store_had(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def take_late(_: Deadline) -> ServiceConnection:
        nonlocal now
        now = 1.0 - FAIR_SECONDS / 2
        return take(Deadline.within(LONG))

    def fail(_: ServiceConnection) -> None:
        raise ZeroDivisionError

    now, take = 0.0, database._pool.take
    deadline = Deadline(0.0, 1.0, lambda: now)
    monkeypatch.setattr(database._pool, "take", take_late)
    for _ in range(FAILURES_TO_OPEN):
        now = 0.0
        with database.session() as session, suppress(ZeroDivisionError, DeadlineMet):
            session.call(fail, deadline)

    assert database.breaker_state == "closed"


def sleep(connection: ServiceConnection) -> None:
    connection.execute("SELECT pg_sleep(5)")


@pytest.mark.parametrize(
    "change",
    ["DEALLOCATE ALL", "ALTER TABLE numbered ALTER number TYPE bigint"],
    ids=["the server forgets", "a migration changes a column"],
)
def test_a_session_whose_prepared_statements_are_of_no_more_use_fails_one_request(
    database: Database, module_database_url: str, change: str
) -> None:
    """As that of a service that runs while it is migrated, or behind a pooler that resets."""
    numbers = Statement(b"SELECT number FROM numbered")
    values = {"merchant_id": Int8(1)}

    def ask(session: Session) -> None:
        session.run(numbers, values, Deadline.within(LONG))

    with connect(module_database_url, application_name="tests", autocommit=True) as owner:
        owner.execute("DROP TABLE IF EXISTS numbered")
        owner.execute("CREATE TABLE numbered (number integer)")
        in_session(database, ask)
        in_session(
            database,
            lambda session: session.call(
                lambda connection: connection.pgconn.exec_(change.encode()), Deadline.within(LONG)
            ),
        )
        with pytest.raises((InvalidSqlStatementName, FeatureNotSupported)):
            in_session(database, ask)
        in_session(database, ask)


@pytest.mark.parametrize(
    ("awaited", "kept"), [pytest.param(30.0, True, id="late"), pytest.param(0.0, False, id="never")]
)
def test_a_connection_whose_answer_is_late_is_that_of_the_next_request_when_it_came(
    database: Database, monkeypatch: pytest.MonkeyPatch, *, awaited: float, kept: bool
) -> None:
    monkeypatch.setattr("service.pool.FINISH_SECONDS", awaited)
    slow = Statement(b"SELECT 'late', pg_sleep(0.5)")
    pids: list[int] = []
    in_session(database, lambda session: pids.append(backend(session)))
    with database.session() as session, pytest.raises(DeadlineMet):
        session.run(slow, {"merchant_id": Int8(1)}, Deadline.within(timedelta(seconds=0.1)))

    in_session(database, lambda session: pids.append(backend(session)))
    assert (len(set(pids)) == 1) is kept
    with database.session() as session:
        assert session.run(recent.RECENT, RECENT, Deadline.within(LONG))[0][0] == ""


def test_an_answer_that_is_late_is_a_failure_of_the_store(database: Database) -> None:
    slow = Statement(b"SELECT 'late', pg_sleep(0.2)")
    for _ in range(FAILURES_TO_OPEN):
        database.start()
        assert database.breaker_state == "closed"
        with database.session() as session, suppress(DeadlineMet, PostgresUnavailable):
            session.run(slow, {"merchant_id": Int8(1)}, Deadline.within(timedelta(seconds=0.1)))
        time.sleep(0.2)

    assert database.breaker_state != "closed"
