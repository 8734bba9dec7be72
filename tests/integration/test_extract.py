"""Which rows are complete, on a real PostgreSQL with transactions that stay open."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from features_pkg.calendar import Calendar
from jobs.errors import DayNotOver, StillWriting
from jobs.watermark import newest_readable_day, wait_for_read_bounds, wait_for_watermark
from stores.postgres.clock import ClockNotSettable, set_clock
from stores.postgres.connection import Connection, connect
from stores.postgres.recorded_key import recorded_key
from tests.integration.history import History

SAO_PAULO = Calendar("America/Sao_Paulo")
JUNE = date(2018, 6, 1)
CUTOFF = datetime(2018, 6, 1, 3, tzinfo=UTC)
SHORT = timedelta(milliseconds=400)


def quiet(_: str) -> None:
    """Say nothing."""


@pytest.fixture
def history(database_url: str) -> History:
    return History(database_url)


@pytest.fixture
def night(history: History) -> Iterator[Connection]:
    with history.connect() as connection:
        yield connection


def an_open_write(history: History) -> Connection:
    """A transaction that has an id and does not end."""
    other = connect(history.url, application_name="a slow writer")
    other.execute("SELECT pg_current_xact_id()")
    return other


def test_a_row_stored_before_is_below_the_watermark(history: History, night: Connection) -> None:
    history.order()
    watermark = wait_for_watermark(night, say=quiet)

    (row,) = night.execute("SELECT recorded_xid::text::bigint FROM orders").fetchall()
    assert int(str(row[0])) < watermark


def test_what_is_stored_after_is_not_below_the_watermark(
    history: History, night: Connection
) -> None:
    watermark = wait_for_watermark(night, say=quiet)
    history.order()

    (row,) = night.execute("SELECT recorded_xid::text::bigint FROM orders").fetchall()
    assert int(str(row[0])) >= watermark


def test_an_open_transaction_is_waited_for_and_named(history: History, night: Connection) -> None:
    with an_open_write(history) as other:
        pid = other.info.backend_pid
        with pytest.raises(StillWriting) as refused:
            wait_for_watermark(night, say=quiet, limit=SHORT)

    assert f"a slow writer (database process {pid}" in str(refused.value)


def test_an_open_transaction_of_another_database_holds_it_too(
    night: Connection, postgres_server_url: str
) -> None:
    with connect(postgres_server_url, application_name="elsewhere") as other:
        other.execute("SELECT pg_current_xact_id()")
        with pytest.raises(StillWriting, match="elsewhere"):
            wait_for_watermark(night, say=quiet, limit=SHORT)


def test_the_wait_ends_when_the_transaction_does(history: History, night: Connection) -> None:
    other = an_open_write(history)
    sentences: list[str] = []

    def end_it(sentence: str) -> None:
        sentences.append(sentence)
        other.close()

    assert wait_for_watermark(night, say=end_it) > 0
    assert "waiting for a slow writer" in sentences[0]


def test_a_transaction_open_across_midnight_is_in(history: History, night: Connection) -> None:
    slow = connect(history.url, application_name="half an hour")
    slow.execute("SET ontem.clock = '2018-06-01T02:59:00Z'")
    slow.execute(
        "INSERT INTO orders (merchant_id, order_id, evaluated_at, content_hash, amount_cents)"
        " VALUES (%s, 'late', '2018-06-01T02:59:00Z', decode(repeat('00', 32), 'hex'), 1)",
        (history.merchant_id,),
    )

    read_bounds = wait_for_read_bounds(night, JUNE, SAO_PAULO, say=lambda _: slow.commit())

    found = night.execute(
        "SELECT order_id FROM orders WHERE event_at < %s"
        " AND ontem_recorded_key(generation, recorded_xid) < %s",
        (read_bounds.cutoff, read_bounds.watermark_key),
    ).fetchall()
    slow.close()
    assert found == [("late",)]


def test_a_day_that_has_not_begun_is_refused_with_the_instant_it_can_be(night: Connection) -> None:
    set_clock(night, CUTOFF - timedelta(hours=1))

    with pytest.raises(DayNotOver, match=r"possible from 2018-06-01T03:00:05\+00:00"):
        wait_for_read_bounds(night, JUNE, SAO_PAULO, say=quiet)


@pytest.mark.parametrize(("after", "early"), [(5_000_000, True), (5_000_001, False)])
def test_a_day_is_over_only_after_the_late_rule(
    night: Connection,
    after: int,
    early: bool,  # noqa: FBT001
) -> None:
    now = CUTOFF + timedelta(microseconds=after)
    set_clock(night, now)

    assert newest_readable_day(now, SAO_PAULO) == (JUNE - timedelta(days=1) if early else JUNE)
    if early:
        with pytest.raises(DayNotOver):
            wait_for_read_bounds(night, JUNE, SAO_PAULO, say=quiet)
    else:
        assert wait_for_read_bounds(night, JUNE, SAO_PAULO, say=quiet).cutoff == CUTOFF


def test_a_production_database_keeps_its_clock(empty_database_url: str) -> None:
    from stores.postgres.migrate import migrate

    migrate(empty_database_url, environment="production")
    with (
        connect(empty_database_url, application_name="tests", autocommit=True) as connection,
        pytest.raises(ClockNotSettable, match="--clock"),
    ):
        set_clock(connection, CUTOFF)


def test_the_watermark_is_of_the_newest_generation(history: History, night: Connection) -> None:
    night.execute("INSERT INTO generations VALUES (7, 1, 1)")

    read_bounds = wait_for_read_bounds(night, JUNE, SAO_PAULO, say=quiet)
    assert read_bounds.generation == 7
    assert read_bounds.watermark_key == recorded_key(7, read_bounds.watermark)


def test_postgres_computes_a_recorded_key_as_python_does(night: Connection) -> None:
    (row,) = night.execute("SELECT ontem_recorded_key(7::smallint, '123'::xid8)").fetchall()

    assert row[0] == recorded_key(7, 123)


def test_a_closed_database_is_named(history: History) -> None:
    from stores.postgres.connection import PostgresUnavailable

    with pytest.raises(PostgresUnavailable, match=r"127\.0\.0\.1:1/x"):
        connect("postgresql://u:secret@127.0.0.1:1/x", application_name="tests")
