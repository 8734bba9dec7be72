"""From when an order or a chargeback counts, as PostgreSQL decides it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg.rows import dict_row

from features_pkg.calendar import from_us
from features_pkg.identifiers import IDENTIFIERS, SINGLE_VALUED
from features_pkg.queries import with_parameters
from stores.postgres.chargebacks import record_chargeback
from stores.postgres.connection import Connection, connect

NOON = datetime(2018, 6, 1, 12, tzinfo=UTC)
LATE_AFTER = timedelta(seconds=5)
DOCUMENT = "12345678909"
MICROSECOND = timedelta(microseconds=1)


@pytest.fixture
def at_noon(database_url: str) -> Iterator[Connection]:
    """A session of a development stack whose clock is set to noon."""
    with connect(database_url, application_name="test") as connection:
        connection.execute("SET ontem.clock = '2018-06-01T12:00:00Z'")
        yield connection
        connection.rollback()


def an_order(connection: Connection, order_id: str, at: datetime, **columns: object):
    """Store a live order of `at`, and return its event_at, evaluated_at and placed_at.

    All orders have the same document, and their id as the device.
    """
    names = {"evaluated_at": at, "document": DOCUMENT, "device": order_id, **columns}
    return connection.execute(
        "INSERT INTO orders (merchant_id, order_id, content_hash, amount_cents,"
        f" {', '.join(names)})"
        f" VALUES (1, %s, sha256('x'), 100{', %s' * len(names)})"
        " RETURNING event_at, evaluated_at, placed_at",
        [order_id, *names.values()],
    ).fetchone()


@pytest.mark.parametrize("age", [timedelta(0), timedelta(seconds=2), LATE_AFTER])
def test_a_live_order_counts_from_its_own_instant(at_noon: Connection, age: timedelta) -> None:
    assert an_order(at_noon, "o", NOON - age)[0] == NOON - age


@pytest.mark.parametrize("age", [LATE_AFTER + MICROSECOND, timedelta(days=9)])
def test_a_late_order_counts_from_when_it_is_stored_and_keeps_its_own_instant(
    at_noon: Connection, age: timedelta
) -> None:
    event_at, evaluated_at, _ = an_order(at_noon, "o", NOON - age)

    assert event_at == NOON
    assert evaluated_at == NOON - age


def test_the_merchant_s_own_time_moves_no_event(at_noon: Connection) -> None:
    a_year_ago = NOON - timedelta(days=365)

    event_at, _, placed_at = an_order(at_noon, "o", NOON, placed_at=a_year_ago)

    assert (event_at, placed_at) == (NOON, a_year_ago)


def test_an_order_up_to_a_second_in_the_future_keeps_its_instant(at_noon: Connection) -> None:
    ahead = NOON + timedelta(seconds=1)

    assert an_order(at_noon, "o", ahead)[0] == ahead


def test_an_order_further_in_the_future_is_refused(at_noon: Connection) -> None:
    with pytest.raises(psycopg.errors.CheckViolation, match="set the clock"):
        an_order(at_noon, "o", NOON + timedelta(seconds=1) + MICROSECOND)


@pytest.mark.parametrize("at", [NOON - timedelta(days=400), NOON + timedelta(days=3)])
def test_an_imported_order_keeps_the_file_s_time(at_noon: Connection, at: datetime) -> None:
    event_at, evaluated_at, _ = an_order(at_noon, "o", None, event_at=at, import_id=1)

    assert (event_at, evaluated_at) == (at, None)


def test_recorded_at_is_the_clock_whatever_the_insert_says(at_noon: Connection) -> None:
    an_order(at_noon, "o", NOON, recorded_at=NOON - timedelta(days=1))

    assert at_noon.execute("SELECT recorded_at FROM orders").fetchone() == (NOON,)


def test_the_clock_is_read_after_the_transaction_has_its_id(database_url: str) -> None:
    with connect(database_url, application_name="test") as connection:
        an_order(connection, "o", None, evaluated_at=_clock(connection))
        row = connection.execute(
            "SELECT recorded_xid::text = pg_current_xact_id()::text, recorded_at >= now()"
            " FROM orders"
        ).fetchone()

    assert row == (True, True)


def test_a_savepoint_does_not_change_the_transaction_id_of_a_row(at_noon: Connection) -> None:
    an_order(at_noon, "before", NOON)
    with at_noon.transaction():
        an_order(at_noon, "inside", NOON)

    ids = at_noon.execute("SELECT count(DISTINCT recorded_xid::text) FROM orders").fetchone()

    assert ids == (1,)


def test_a_chargeback_counts_from_when_it_was_reported(at_noon: Connection) -> None:
    an_order(at_noon, "o", None, event_at=NOON - timedelta(days=30), import_id=1)

    record_chargeback(at_noon, 1, "o", NOON - timedelta(seconds=3))

    assert _events(at_noon) == [("o", NOON - timedelta(seconds=3))]


def test_a_chargeback_reported_late_counts_from_when_it_is_stored(at_noon: Connection) -> None:
    an_order(at_noon, "o", None, event_at=NOON - timedelta(days=30), import_id=1)

    record_chargeback(at_noon, 1, "o", NOON - timedelta(days=2))

    assert _events(at_noon) == [("o", NOON)]
    reported_at = at_noon.execute("SELECT reported_at FROM chargebacks").fetchone()
    assert reported_at == (NOON - timedelta(days=2),)


def test_a_chargeback_of_the_future_is_refused(at_noon: Connection) -> None:
    with pytest.raises(psycopg.errors.CheckViolation):
        record_chargeback(at_noon, 1, "o", NOON + timedelta(seconds=2))


def test_a_chargeback_waits_for_its_order_and_then_counts_from_it(at_noon: Connection) -> None:
    record_chargeback(at_noon, 1, "o", NOON)
    assert _events(at_noon) == []

    at_noon.execute("SET ontem.clock = '2018-06-01T12:10:00Z'")
    an_order(at_noon, "o", NOON + timedelta(minutes=10))

    assert _events(at_noon) == [("o", NOON + timedelta(minutes=10))]


def test_only_the_first_chargeback_of_an_order_is_an_event(at_noon: Connection) -> None:
    an_order(at_noon, "o", None, event_at=NOON - timedelta(days=30), import_id=1)
    record_chargeback(at_noon, 1, "o", NOON - timedelta(seconds=1))
    record_chargeback(at_noon, 1, "o", NOON - timedelta(seconds=2))
    record_chargeback(at_noon, 1, "o", NOON)

    assert _events(at_noon) == [("o", NOON - timedelta(seconds=2))]


def test_a_reversal_is_not_a_chargeback_and_undoes_none(at_noon: Connection) -> None:
    an_order(at_noon, "o", None, event_at=NOON - timedelta(days=30), import_id=1)
    record_chargeback(at_noon, 1, "o", NOON - timedelta(seconds=4), kind="reversal")
    assert _events(at_noon) == []

    record_chargeback(at_noon, 1, "o", NOON)

    assert _events(at_noon) == [("o", NOON)]


def test_the_same_chargeback_reported_twice_is_stored_once(at_noon: Connection) -> None:
    assert record_chargeback(at_noon, 1, "o", NOON) is True
    assert record_chargeback(at_noon, 1, "o", NOON) is False


def test_a_chargeback_waits_for_an_order_of_its_own_merchant(
    at_noon: Connection,
) -> None:
    an_order(at_noon, "o", None, event_at=NOON - timedelta(days=30), import_id=1)

    record_chargeback(at_noon, 2, "o", NOON)

    assert _events(at_noon) == _events(at_noon, merchant_id=2) == []


def test_a_chargeback_event_is_recorded_by_the_later_of_both_transactions(
    at_noon: Connection,
) -> None:
    an_order(at_noon, "known", None, event_at=NOON - timedelta(days=30), import_id=1)
    record_chargeback(at_noon, 1, "waiting", NOON)
    at_noon.commit()
    at_noon.execute("SET ontem.clock = '2018-06-01T12:00:00Z'")
    record_chargeback(at_noon, 1, "known", NOON)
    an_order(at_noon, "waiting", NOON)
    own = at_noon.execute("SELECT pg_current_xact_id()::text").fetchone()

    rows = at_noon.execute(
        "SELECT recorded_xid::text, recorded_key = ontem_recorded_key(generation, recorded_xid)"
        " FROM chargeback_events"
    ).fetchall()

    assert rows == [(*own, True)] * 2


def _clock(connection: Connection) -> datetime:
    return connection.execute("SELECT ontem_clock()").fetchone()[0]


def _events(connection: Connection, merchant_id: int = 1) -> list[tuple[object, ...]]:
    """The order and instant of each chargeback event, as the recent read of an order finds them."""
    sql, parameters = with_parameters(
        "recent",
        {
            "merchant_id": merchant_id,
            "order_id": "another order",
            "from_at": dict.fromkeys(IDENTIFIERS, NOON - timedelta(days=365)),
            "to_at": NOON + timedelta(days=365),
            "settled_at": NOON + timedelta(days=365),
            "most_rows": 10,
            "held": False,
            "values": dict.fromkeys(SINGLE_VALUED) | {"document": DOCUMENT},
            "product": [],
        },
    )
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(sql, parameters).fetchall()
    return [(r["device"], from_us(r["event_us"])) for r in rows if r["event"] == "chargeback"]
