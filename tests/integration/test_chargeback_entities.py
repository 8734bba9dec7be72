"""The entities of chargebacks are kept up whoever stores what, in whatever order, and at once.

What is right is `chargeback_event_entities`, the view that joins orders and chargebacks anew.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from features_pkg.identifiers import IDENTIFIERS, SINGLE_VALUED
from jobs.importing import import_chargebacks, import_orders
from stores.postgres.chargebacks import record_chargeback
from stores.postgres.connection import Connection, connect
from tests.integration.imports import NOON, an_order, orders

COLUMNS = "merchant_id, identifier, value, event_at, order_pk"
NAMED = {"user": "u1", "zip_code": "01310-100", "product": "x"}

Step = Callable[[Connection], object]


def live_order(connection: Connection) -> None:
    connection.execute(
        "INSERT INTO orders (merchant_id, order_id, evaluated_at, content_hash, amount_cents,"
        " \"user\", product) VALUES (1, 'o1', ontem_clock(), sha256('o1'), 1990, 'u1', '{x,y}')"
    )


def imported_order(connection: Connection) -> None:
    import_orders(connection, orders(an_order(**NAMED)), 1)


def live_chargeback(connection: Connection) -> None:
    record_chargeback(connection, 1, "o1", datetime.now(UTC))


def imported_chargeback(connection: Connection) -> None:
    import_chargebacks(connection, chargebacks(NOON + timedelta(days=2)), 1)


def imported_order_with_its_chargeback(connection: Connection) -> None:
    import_orders(connection, orders(an_order(chargeback_at=NOON + timedelta(days=1), **NAMED)), 1)


def chargebacks(*reported: datetime):
    return orders(*({"order_id": "o1", "chargeback_at": at} for at in reported))


def reversal(connection: Connection) -> None:
    record_chargeback(connection, 1, "o1", datetime.now(UTC), "reversal")


ORDERS: tuple[Step, ...] = (live_order, imported_order)
CHARGEBACKS: tuple[Step, ...] = (live_chargeback, imported_chargeback)
AT_ONCE = [
    pair
    for order, chargeback in itertools.product(ORDERS, CHARGEBACKS)
    for pair in ((order, chargeback), (chargeback, order))
]
ONE_AFTER_THE_OTHER = [
    *itertools.permutations((imported_order, imported_chargeback, live_chargeback)),
    *itertools.permutations((live_order, live_chargeback, reversal)),
    *itertools.permutations((imported_order_with_its_chargeback, imported_chargeback)),
    (imported_order_with_its_chargeback, imported_order_with_its_chargeback),
    (reversal, imported_order),
]


def ids(steps: tuple[Step, ...]) -> str:
    return ", then ".join(step.__name__ for step in steps)


def kept(connection: Connection) -> list[object]:
    return connection.execute(
        f"SELECT {COLUMNS} FROM chargeback_entities ORDER BY 2, 3, 4"
    ).fetchall()


def right(connection: Connection) -> list[object]:
    query = f"SELECT DISTINCT {COLUMNS} FROM chargeback_event_entities ORDER BY 2, 3, 4"
    return connection.execute(query).fetchall()


def begin(connection: Connection) -> None:
    """Begin a transaction: an import that finds none commits its own."""
    connection.execute("SELECT")


def order_locks(connection: Connection, mode: str) -> int:
    """How many locks of orders the session holds."""
    (row,) = connection.execute(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
        " AND classid = x'4F6F0000'::bigint::oid AND mode = %s",
        [mode],
    ).fetchall()
    return int(str(row[0]))


@contextmanager
def meanwhile(url: str, step: Step) -> Iterator[threading.Thread]:
    """Another session does the step; inside, it has done it or waits for a lock of ours."""
    failed: list[BaseException] = []

    def run() -> None:
        try:
            with connect(url, application_name="meanwhile") as connection:
                step(connection)
        except BaseException as error:  # noqa: BLE001 - raised in the test's own thread
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    with connect(url, application_name="watch", autocommit=True) as watching:
        while thread.is_alive() and not waits(watching):
            thread.join(0.01)
    yield thread
    thread.join()
    assert failed == []


def waits(watching: Connection) -> bool:
    (row,) = watching.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'meanwhile'"
        " AND datname = current_database() AND wait_event_type = 'Lock'"
    ).fetchall()
    return row != (0,)


@pytest.mark.parametrize("steps", ONE_AFTER_THE_OTHER, ids=ids)
def test_a_chargeback_has_the_entities_of_its_order_in_any_order_of_arrival(
    connection: Connection, steps: tuple[Step, ...]
) -> None:
    for step in steps:
        step(connection)
        connection.commit()

    assert kept(connection) == right(connection)
    assert bool(kept(connection)) == any("chargeback" in step.__name__ for step in steps)


def test_a_chargeback_has_an_entity_of_each_identifier(connection: Connection) -> None:
    named = {name: f"a {name}" for name in SINGLE_VALUED}
    import_orders(connection, orders(an_order(chargeback_at=NOON, product="x", **named)), 1)

    assert {identifier for _, identifier, *_ in kept(connection)} == {*IDENTIFIERS}


@pytest.mark.parametrize("steps", AT_ONCE, ids=ids)
def test_an_order_and_its_chargeback_that_are_stored_at_once_see_each_other(
    connection: Connection, database_url: str, steps: tuple[Step, Step]
) -> None:
    first, second = steps
    begin(connection)
    first(connection)
    with meanwhile(database_url, second):
        connection.commit()

    assert kept(connection) == right(connection) != []


def test_a_chargeback_of_a_known_order_holds_up_no_order(connection: Connection) -> None:
    imported_order(connection)
    begin(connection)
    for step in CHARGEBACKS:
        step(connection)
        assert order_locks(connection, "ExclusiveLock") == 0


def test_an_import_of_waiting_chargebacks_takes_few_locks(connection: Connection) -> None:
    waiting = ({"order_id": f"unknown {n}", "chargeback_at": NOON} for n in range(1_000))
    begin(connection)
    import_chargebacks(connection, orders(*waiting), 1)

    assert order_locks(connection, "ExclusiveLock") == 64


def test_orders_do_not_wait_for_an_import_of_orders(connection: Connection) -> None:
    begin(connection)
    imported_order(connection)

    assert order_locks(connection, "ExclusiveLock") == 0
    assert order_locks(connection, "ShareLock") == 1


def test_after_an_import_its_transaction_may_store_live_rows(connection: Connection) -> None:
    begin(connection)
    imported_order(connection)
    live_chargeback(connection)

    assert kept(connection) == right(connection) != []
