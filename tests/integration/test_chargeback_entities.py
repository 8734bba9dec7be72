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


@pytest.fixture
def connection(module_database_url: str) -> Iterator[Connection]:
    """A session of a shop of its own, the newest merchant."""
    with connect(module_database_url, application_name="test") as opened:
        opened.execute("INSERT INTO merchants (name) SELECT 'm' || count(*) FROM merchants")
        opened.commit()
        yield opened
        opened.rollback()


def shop(connection: Connection) -> int:
    """The newest merchant. This begins a transaction, so an import does not commit its own."""
    (row,) = connection.execute("SELECT max(merchant_id) FROM merchants").fetchall()
    return int(str(row[0]))


def live_order(connection: Connection, order_id: str = "o1") -> None:
    connection.execute(
        "INSERT INTO orders (merchant_id, order_id, evaluated_at, content_hash, amount_cents,"
        " \"user\", product) VALUES (%s, %s, ontem_clock(), sha256('x'), 1990, 'u1', '{x,y}')",
        [shop(connection), order_id],
    )


def imported_order(connection: Connection) -> None:
    import_orders(connection, orders(an_order(**NAMED)), shop(connection))


def live_chargeback(connection: Connection) -> None:
    record_chargeback(connection, shop(connection), "o1", datetime.now(UTC))


def imported_chargeback(connection: Connection) -> None:
    import_chargebacks(connection, chargebacks(NOON + timedelta(days=2)), shop(connection))


def imported_order_with_its_chargeback(connection: Connection) -> None:
    import_orders(
        connection,
        orders(an_order(chargeback_at=NOON + timedelta(days=1), **NAMED)),
        shop(connection),
    )


def chargebacks(*reported: datetime):
    return orders(*({"order_id": "o1", "chargeback_at": at} for at in reported))


def reversal(connection: Connection) -> None:
    record_chargeback(connection, shop(connection), "o1", datetime.now(UTC), "reversal")


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


def kept(connection: Connection, source: str = "chargeback_entities") -> list[object]:
    query = f"SELECT DISTINCT {COLUMNS} FROM {source} WHERE merchant_id = %s ORDER BY 2, 3, 4"
    return connection.execute(query, [shop(connection)]).fetchall()


def right(connection: Connection) -> list[object]:
    return kept(connection, "chargeback_event_entities")


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
    """Another session does the step; inside, it has done it or is held up by a lock of ours."""
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
        while thread.is_alive() and not is_held_up(watching):
            thread.join(0.01)
    yield thread
    thread.join()
    assert failed == []


def is_held_up(watching: Connection) -> bool:
    """Whether the other session waits for a lock, or has tried to take locks (and tries again)."""
    (row,) = watching.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'meanwhile'"
        " AND datname = current_database()"
        " AND (wait_event_type = 'Lock' OR query ~ '^ROLLBACK TO|pg_try_advisory')"
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
    import_orders(
        connection, orders(an_order(chargeback_at=NOON, product="x", **named)), shop(connection)
    )

    assert {identifier for _, identifier, *_ in kept(connection)} == {*IDENTIFIERS}


@pytest.mark.parametrize("steps", AT_ONCE, ids=ids)
def test_an_order_and_its_chargeback_that_are_stored_at_once_see_each_other(
    connection: Connection, module_database_url: str, steps: tuple[Step, Step]
) -> None:
    first, second = steps
    first(connection)
    with meanwhile(module_database_url, second):
        connection.commit()

    assert kept(connection) == right(connection) != []


def test_a_chargeback_of_a_known_order_holds_up_no_order(connection: Connection) -> None:
    imported_order(connection)
    for step in CHARGEBACKS:
        step(connection)
        assert order_locks(connection, "ExclusiveLock") == 0


def test_an_import_of_waiting_chargebacks_takes_few_locks(connection: Connection) -> None:
    waiting = ({"order_id": f"unknown {n}", "chargeback_at": NOON} for n in range(1_000))
    import_chargebacks(connection, orders(*waiting), shop(connection))

    assert order_locks(connection, "ExclusiveLock") == 64


def test_an_import_that_waits_for_an_order_holds_up_no_other(
    connection: Connection, module_database_url: str
) -> None:
    def waiting_chargebacks(importing: Connection) -> None:
        rows = ({"order_id": f"o{number}", "chargeback_at": NOON} for number in range(1_000))
        import_chargebacks(importing, orders(*rows), shop(importing))

    live_order(connection)
    with meanwhile(module_database_url, waiting_chargebacks):
        with connect(module_database_url, application_name="another", autocommit=True) as another:
            another.execute("SET lock_timeout = '10s'")
            for number in range(2, 100):
                live_order(another, f"o{number}")
        connection.commit()

    assert kept(connection) == right(connection) != []


def test_orders_do_not_wait_for_an_import_of_orders(connection: Connection) -> None:
    imported_order(connection)

    assert order_locks(connection, "ExclusiveLock") == 0
    assert order_locks(connection, "ShareLock") == 1


def test_after_an_import_its_transaction_may_store_live_rows(connection: Connection) -> None:
    imported_order(connection)
    live_chargeback(connection)

    assert kept(connection) == right(connection) != []
