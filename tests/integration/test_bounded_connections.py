"""Waits that end in time on real servers which are slow, silent, or send a byte at a time."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from service.database import Database
from service.deadline import Deadline
from service.session import Session
from stores.postgres.bounded import BoundedConnection, DeadlineMet
from stores.postgres.connection import connect_as
from stores.redis.keys import Namespace
from stores.redis.reader import OnlineReader, OnlineReadFailed, OnlineStoreSilent
from tests.e2e.fault_proxy import FaultProxy, a_fault_proxy
from tests.e2e.faulty_stores import through
from tests.tls import make_certificates, tls_server

pytestmark = pytest.mark.faults
SHORT, LONG = timedelta(milliseconds=200), timedelta(seconds=30)
MUCH_LATER = 2.0
"""Seconds within which something ends that has 200 ms; the machine may be busy."""
NAMESPACE = Namespace("timelines", "key id")


@pytest.fixture
def postgres(database_url: str) -> Iterator[FaultProxy]:
    address = urlsplit(database_url)
    with a_fault_proxy(address.hostname or "", address.port or 0) as proxy:
        yield proxy


@pytest.fixture
def session(postgres: FaultProxy, database_url: str) -> Iterator[Session]:
    """The service's PostgreSQL through a proxy, on a connection that has answered once."""
    database = Database(through(postgres, database_url), statement_timeout=LONG, connections=1)
    with database.session() as session:
        assert session.call(answer, Deadline.within(LONG)) == 42
        yield session
    database.close()


def answer(connection: psycopg.Connection[tuple[object, ...]]) -> object:
    (row,) = connection.execute("SELECT 41 + 1").fetchall()
    return row[0]


@pytest.mark.parametrize("fault", ["hole", "silent", "drip"])
def test_a_statement_ends_by_its_deadline_and_its_connection_is_not_used_again(
    session: Session, postgres: FaultProxy, fault: str
):
    started = time.monotonic()
    postgres.fault = fault  # type: ignore[assignment]
    with pytest.raises(DeadlineMet):
        session.call(answer, Deadline.within(SHORT))
    seconds = time.monotonic() - started
    postgres.fault = "none"

    assert seconds < MUCH_LATER
    assert session.call(answer, Deadline.within(LONG)) == 42  # on another one, of the pool


def test_a_statement_whose_time_is_over_is_not_sent(session: Session, database_url: str):
    marked: list[object] = []
    with pytest.raises(DeadlineMet):
        session.call(marked.append, Deadline.within(timedelta()))

    assert marked == []
    assert session.call(answer, Deadline.within(LONG)) == 42


def test_a_transaction_that_met_its_deadline_leaves_without_waiting(database_url: str):
    started = time.monotonic()
    connection = connect_as(BoundedConnection, database_url, "test", {}, autocommit=True)
    connection.seconds_left = Deadline.within(SHORT).left
    with pytest.raises(DeadlineMet), connection.transaction():
        connection.execute("SELECT pg_sleep(10)")

    assert connection.closed
    assert time.monotonic() - started < MUCH_LATER


@pytest.fixture(params=["plain", "with TLS"])
def redis_through(
    request: pytest.FixtureRequest, redis_url: str, tmp_path: Path
) -> Iterator[tuple[FaultProxy, str]]:
    """A proxy before Redis, or before the end of its TLS, and the URL of that."""
    with ExitStack() as stack:
        port, options = urlsplit(redis_url).port or 0, ""
        if request.param == "with TLS":
            certificates = make_certificates(tmp_path)
            port = stack.enter_context(tls_server(port, certificates))
            options = f"?ssl_ca_certs={certificates.authority}"
            redis_url = redis_url.replace("redis://", "rediss://")
        proxy = stack.enter_context(a_fault_proxy("127.0.0.1", port))
        yield proxy, through(proxy, redis_url) + options


@pytest.mark.parametrize("fault", ["hole", "silent", "drip"])
def test_a_read_of_redis_ends_by_its_deadline_and_for_good(
    redis_through: tuple[FaultProxy, str], fault: str
):
    proxy, url = redis_through
    reader = OnlineReader(url, NAMESPACE, timeout=LONG)
    reader.connect()
    reader.seconds_left = Deadline.within(LONG).left
    reader.send([bytes(24)])
    with pytest.raises(OnlineReadFailed, match="no list"):  # which an empty Redis answers
        reader.receive(1, 0)
    assert reader.is_usable
    proxy.fault = fault  # type: ignore[assignment]
    started = time.monotonic()
    reader.seconds_left = Deadline.within(SHORT).left
    reader.send([bytes([5 * number]) * 24 for number in range(50)])
    with pytest.raises(OnlineStoreSilent, match="timeout"):
        reader.receive(1, 0)

    assert time.monotonic() - started < MUCH_LATER
    assert not reader.is_usable
    with pytest.raises(OnlineStoreSilent):
        reader.send([bytes(24)])


def test_what_is_there_already_is_read_although_the_time_is_over(redis_url: str):
    reader = OnlineReader(redis_url, NAMESPACE, timeout=LONG)
    reader.connect()
    reader.send([bytes(24)])
    while reader.is_usable or not reader._connection.can_read():
        pass  # the answer is on its way
    reader.seconds_left = Deadline.within(timedelta()).left

    with pytest.raises(OnlineReadFailed, match="no list"):
        reader.receive(1, 0)
    reader.close()


def test_a_redis_that_takes_connections_and_is_silent_is_not_connected_to(
    redis_through: tuple[FaultProxy, str],
):
    proxy, url = redis_through
    proxy.fault = "hole"
    started = time.monotonic()
    reader = OnlineReader(url, NAMESPACE, timeout=SHORT)
    with pytest.raises(OnlineStoreSilent):
        reader.connect()

    assert time.monotonic() - started < MUCH_LATER
