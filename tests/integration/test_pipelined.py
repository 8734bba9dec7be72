"""Statements whose answers are taken later: what goes wrong meanwhile, on real servers."""

import select
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg.pq import PipelineStatus, TransactionStatus

from service.database import Database
from service.deadline import Deadline
from service.session import ServiceConnection
from stores.postgres.bounded import DeadlineMet
from stores.postgres.connection import connect
from stores.postgres.pipelined import Query
from tests.e2e.fault_proxy import FaultProxy, a_fault_proxy
from tests.e2e.faulty_stores import through

SHORT, LONG = timedelta(milliseconds=200), timedelta(seconds=30)
MUCH_LATER = 2.0
"""Seconds within which something ends that has 200 ms; the machine may be busy."""
SET = Query(b"SELECT set_config('ontem.merchant', $1, true)", ["7"])
READ = Query(b"SELECT current_setting('ontem.merchant', true), $1::bigint + 1", [41])
DIVIDE = Query(b"SELECT 1 / $1::bigint", [0])
SLEEP = Query(b"SELECT pg_sleep(1e9)", [])


@pytest.fixture
def postgres(module_database_url: str) -> Iterator[FaultProxy]:
    address = urlsplit(module_database_url)
    with a_fault_proxy(address.hostname or "", address.port or 0) as proxy:
        yield proxy


@pytest.fixture
def database(postgres: FaultProxy, module_database_url: str) -> Iterator[Database]:
    """With one connection, which leads through the proxy."""
    database = Database(
        through(postgres, module_database_url), statement_timeout=LONG, connections=1
    )
    yield database
    database.close()


@pytest.fixture
def connection(database: Database) -> Iterator[ServiceConnection]:
    connection = database._make()
    connection.seconds_left = Deadline.within(LONG).left
    yield connection
    connection.close()


def is_as_new(connection: ServiceConnection) -> bool:
    """Whether both ways of using it work, and nothing of the last transaction is left."""
    ((merchant, number),) = connection.send(READ).rows()
    plain = connection.execute("SELECT current_setting('ontem.merchant', true)").fetchone()
    return merchant in (None, "") and number == 42 and plain in ((None,), ("",))


def test_the_rows_are_those_of_the_last_query_in_the_transaction_of_all(
    connection: ServiceConnection,
) -> None:
    assert connection.send(SET, READ).rows() == [("7", 42)]
    assert is_as_new(connection)


def test_values_and_rows_are_those_of_a_cursor(connection: ServiceConnection) -> None:
    text = b"SELECT $1::text, $2::text[], $3::timestamptz, $4::bytea, $5::float8, $6::bigint"
    values = ["a\u00e9'", ["x", '"y"', "{"], datetime(2020, 1, 1, tzinfo=UTC), b"\0\xff", 0.1, None]
    cursor = psycopg.RawCursor(connection)

    assert connection.send(Query(text, values)).rows() == [tuple(values)]
    assert cursor.execute(text, values, binary=True).fetchall() == [tuple(values)]


@pytest.mark.parametrize(
    ("failing", "sqlstate"),
    [
        (DIVIDE, "22012"),
        (Query(b"SELECT $1::bigint FROM nowhere", [1]), "42P01"),
        (Query(b"SELECT $1::bigint", [10**30]), "22003"),
    ],
)
def test_an_error_in_the_middle_is_raised_and_the_connection_stays(
    connection: ServiceConnection, failing: Query, sqlstate: str
) -> None:
    for _ in range(2):  # the second time some of it is prepared
        with pytest.raises(psycopg.Error) as raised:
            connection.send(SET, failing, READ).rows()
        assert raised.value.sqlstate == sqlstate
        assert connection.is_reusable
    assert is_as_new(connection)


def test_a_value_that_has_no_form_is_refused_before_anything_is_sent(
    connection: ServiceConnection,
) -> None:
    with pytest.raises(psycopg.DataError):
        connection.send(SET, Query(b"SELECT $1::text", ["\0"]))

    assert is_as_new(connection)


def test_a_statement_is_prepared_once_and_stays_so_after_a_rollback(
    connection: ServiceConnection,
) -> None:
    secret = "of a person"
    for _ in range(10):
        with connection.transaction(force_rollback=True):
            assert connection.send(SET, Query(b"SELECT $1::text", [secret])).rows() == [(secret,)]
            connection.execute("SELECT 1 AS plain")
    statements = connection.execute("SELECT statement FROM pg_prepared_statements").fetchall()

    assert sorted(str(text) for (text,) in statements) == ["SELECT $1::text", SET.text.decode()]


def test_a_connection_with_an_outstanding_answer_is_not_reusable(
    connection: ServiceConnection,
) -> None:
    sent = connection.send(READ)
    assert connection.pgconn.transaction_status == TransactionStatus.ACTIVE
    assert not connection.is_reusable

    assert len(sent.rows()) == 1
    assert connection.is_reusable
    assert connection.pgconn.pipeline_status == PipelineStatus.OFF


def test_an_answer_is_taken_once(connection: ServiceConnection) -> None:
    sent = connection.send(READ)
    sent.rows()
    with pytest.raises(psycopg.OperationalError):
        sent.rows()

    assert connection.closed


def test_an_answer_that_is_there_is_taken_although_the_time_is_over(
    connection: ServiceConnection,
) -> None:
    sent = connection.send(READ)
    select.select([connection], [], [])
    connection.seconds_left = Deadline.within(timedelta()).left

    assert [row[1] for row in sent.rows()] == [42]


@pytest.mark.parametrize("fault", ["hole", "silent", "drip"])
def test_an_answer_is_waited_for_until_the_deadline(
    connection: ServiceConnection, postgres: FaultProxy, fault: str
) -> None:
    connection.send(READ).rows()
    postgres.fault = fault  # type: ignore[assignment]
    connection.seconds_left = Deadline.within(SHORT).left
    started = time.monotonic()
    sent = connection.send(READ)
    with pytest.raises(DeadlineMet):
        sent.rows()

    assert time.monotonic() - started < MUCH_LATER
    assert connection.closed


SLOW = Query(b"SELECT pg_sleep(0.5)", [])


def all_dropped(connection: ServiceConnection) -> bool:
    """Whether the overdue answer came and is gone, within a long time."""
    deadline = Deadline.within(LONG)
    while not connection.drop_answer() and deadline.left():
        time.sleep(0.01)
    return not connection.is_overdue


@pytest.mark.parametrize("queries", [(SET, SLOW), (SLOW, READ), (SLOW, DIVIDE, READ)])
def test_a_connection_is_as_new_when_its_overdue_answer_is_there_and_dropped(
    connection: ServiceConnection, queries: Sequence[Query]
) -> None:
    connection.seconds_left = Deadline.within(SHORT).left
    with pytest.raises(DeadlineMet):
        connection.send(*queries).rows(keep_overdue=True)
    assert connection.is_overdue
    assert not connection.is_reusable

    connection.seconds_left = Deadline.within(LONG).left
    assert all_dropped(connection)
    assert connection.is_reusable
    assert is_as_new(connection)
    assert connection.send(SET, READ).rows() == [("7", 42)]


def test_an_answer_that_comes_one_byte_at_a_time_is_dropped_in_as_many_steps(
    connection: ServiceConnection, postgres: FaultProxy
) -> None:
    postgres.fault = "drip"
    connection.seconds_left = Deadline.within(SHORT).left
    sent = connection.send(SET, READ)
    with pytest.raises(DeadlineMet):
        sent.rows(keep_overdue=True)

    assert all_dropped(connection)
    postgres.recover()
    connection.seconds_left = Deadline.within(LONG).left
    assert is_as_new(connection)


def test_a_connection_whose_session_ends_with_an_overdue_answer_is_of_no_use(
    connection: ServiceConnection, module_database_url: str
) -> None:
    connection.seconds_left = Deadline.within(SHORT).left
    with pytest.raises(DeadlineMet):
        connection.send(SLEEP, READ).rows(keep_overdue=True)
    end_session(connection, module_database_url)

    with pytest.raises(psycopg.OperationalError):
        all_dropped(connection)


def test_a_request_that_is_too_long_for_a_frozen_server_ends_by_its_deadline(
    connection: ServiceConnection, postgres: FaultProxy
) -> None:
    postgres.fault = "hole"
    connection.seconds_left = Deadline.within(SHORT).left
    started = time.monotonic()
    with pytest.raises(DeadlineMet):
        connection.send(Query(b"SELECT length($1::text)", ["x" * 50_000_000]))

    assert time.monotonic() - started < MUCH_LATER
    assert connection.closed


def test_a_request_that_is_longer_than_a_buffer_is_sent_whole(
    connection: ServiceConnection,
) -> None:
    query = Query(b"SELECT $1::text, length($1::text)", ["x" * 5_000_000])

    assert connection.send(query).rows() == [("x" * 5_000_000, 5_000_000)]


def end_session(connection: ServiceConnection, url: str) -> None:
    pid = connection.info.backend_pid
    with connect(url, application_name="test", autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", (pid,))


@pytest.mark.parametrize("queries", [(SET, SLEEP), (SLEEP, SET), (SLEEP, SET, READ)])
def test_a_session_that_is_ended_meanwhile_says_so(
    connection: ServiceConnection, module_database_url: str, queries: Sequence[Query]
) -> None:
    sent = connection.send(*queries)
    end_session(connection, module_database_url)
    with pytest.raises(psycopg.errors.AdminShutdown):
        sent.rows()

    assert connection.closed


@pytest.mark.parametrize("fault", ["reset", "truncate"])
def test_a_connection_that_is_lost_meanwhile_is_closed(
    connection: ServiceConnection, postgres: FaultProxy, fault: str
) -> None:
    postgres.fault = fault  # type: ignore[assignment]
    sent = connection.send(SET, READ)
    with pytest.raises(psycopg.OperationalError):
        sent.rows()

    assert connection.closed
