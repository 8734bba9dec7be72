"""An import beside what is stored already, and beside orders that keep coming."""

from datetime import datetime
from typing import Any

import pyarrow as pa

from features_pkg.orders.fields.order import read_order
from features_pkg.orders.order import content_hash
from jobs.importing import ImportOptions
from jobs.importing import import_chargebacks as load_chargebacks
from jobs.importing import import_orders as load_orders
from stores.postgres.connection import Connection, connect
from stores.postgres.merchants import add_merchant
from tests.integration.imports import DAY, NOON, Recorder, an_order, orders, read_rows


def test_equal_content_is_the_same_order_and_keeps_its_instant(
    connection: Connection, load: Any
) -> None:
    load(orders(an_order(), an_order("o2")))

    done = load(orders(an_order(event_at=NOON - DAY, chargeback_at=NOON + DAY), an_order("o2")))

    assert (done.orders_known, done.orders_at_another_instant, done.rows_refused) == (2, 1, 0)
    assert read_rows(connection, "order_id, event_at") == [("o1", NOON), ("o2", NOON)]
    assert read_rows(connection, "order_id, event_at", "chargeback_events") == [("o1", NOON + DAY)]


def a_live_order(connection: Connection, **identifiers: str) -> datetime:
    """Store an order as the service does; from when it counts."""
    order = read_order("o1", 1990, identifiers)
    connection.execute(
        "INSERT INTO orders (merchant_id, order_id, evaluated_at, content_hash, amount_cents,"
        ' "user", zip_code) VALUES (1, %s, ontem_clock(), %s, %s, %s, %s)',
        [order.order_id, content_hash(order), order.amount_cents, order.user, order.zip_code],
    )
    return read_rows(connection, "event_at")[0][0]


def test_a_history_file_that_holds_a_live_order_adds_its_chargeback(
    connection: Connection, load: Any
) -> None:
    at = a_live_order(connection, user="u1", zip_code="01310-100")
    row = an_order(user=" u1", zip_code="01310100", event_at=at - 2 * DAY)

    done = load(orders({**row, "chargeback_at": at - DAY}))

    assert (done.orders_known, done.orders_at_another_instant, done.rows_refused) == (1, 1, 0)
    assert done.chargebacks_new == 1
    assert read_rows(connection, "event_at, evaluated_at, import_id") == [(at, at, None)]
    assert read_rows(connection, "event_at", "chargeback_events") == [(at,)]


def test_a_file_of_chargebacks_may_have_known_of_one_before_a_live_order_was_posted(
    connection: Connection, recorder: Recorder
) -> None:
    at = a_live_order(connection)
    chargebacks_file = pa.Table.from_pylist([{"order_id": "o1", "chargeback_at": at - DAY}])

    done = load_chargebacks(connection, chargebacks_file, 1, None, ImportOptions(listener=recorder))

    assert (done.chargebacks_new, done.rows_refused, done.chargebacks_waiting) == (1, 0, 0)
    assert read_rows(connection, "event_at", "chargeback_events") == [(at,)]


def test_an_import_has_no_transaction_while_it_reads(database_url: str) -> None:
    class Watcher(Recorder):
        def __init__(self, observer: Connection, pid: int) -> None:
            super().__init__()
            self.observer, self.pid = observer, pid
            self.found: list[Any] = []

        def look(self) -> None:
            query = "SELECT state, backend_xid, backend_xmin FROM pg_stat_activity WHERE pid = %s"
            self.found += self.observer.execute(query, [self.pid]).fetchall()

        def on_progress(self, rows: int, total: int | None) -> None:
            self.look()

        def on_store(self, rows: int) -> None:
            self.look()

    with (
        connect(database_url, application_name="test", autocommit=True) as connection,
        connect(database_url, application_name="test", autocommit=True) as observer,
    ):
        watcher = Watcher(observer, connection.info.backend_pid)
        merchant = add_merchant(connection, "shop").merchant_id
        load_orders(connection, orders(an_order()), merchant, None, ImportOptions(listener=watcher))

        assert watcher.found == [("idle", None, None)] * 2
        assert read_rows(connection, "order_id") == [("o1",)]
