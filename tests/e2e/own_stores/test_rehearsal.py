"""What is first waits for nothing that later ones do not: all of it is done before it."""

import threading
from datetime import date

from service import batch, recent, recording, statements
from service.app import Dependencies, create_app
from service.deadline import Deadline
from service.hot.statements import SINCE
from stores.postgres.connection import connect
from stores.postgres.issued_keys import issue_key
from stores.postgres.merchants import add_merchant
from tests.e2e.in_process import Stores, noon_of, standing_clocks
from tests.e2e.published import OnlineStore
from tests.e2e.running import TIMEOUT_SECONDS

NOON = noon_of(2018, 6, 1)
PREPARED = b"SELECT statement FROM pg_prepared_statements"
REHEARSED = [
    statements._SET_MERCHANT,
    recent.RECENT.text,
    SINCE.text,  # of orders with products
    SINCE.text,  # and of those without
    recording.STORED_EVALUATION.text,
    recording.RECORD.text,  # of orders with a placed_at
    recording.RECORD.text,  # and of those without one
    batch.STORE_ORDERS.text,
]


def prepared(dependencies: Dependencies) -> list[str]:
    """The statements that the connection has prepared which a request would take."""
    with dependencies.database.session() as session:
        deadline = Deadline.within(dependencies.time_limit)
        answer = session.call(lambda connection: connection.execute(PREPARED).fetchall(), deadline)
    return sorted(statement for (statement,) in answer)


def test_a_first_order_and_a_first_batch_find_their_statements_prepared(
    stores: Stores, online: OnlineStore
):
    online.publish(date(2018, 6, 1))
    dependencies = stores.process(standing_clocks(NOON)).dependencies()
    with connect(stores.postgres_url, application_name="test", autocommit=True) as database:
        key = issue_key(database, add_merchant(database, "loja")).text
        dependencies.start()
        dependencies.settle(TIMEOUT_SECONDS)
        before = prepared(dependencies)
        headers = {"Authorization": f"Bearer {key}"}
        client = create_app(dependencies).test_client()
        for placed_at in (None, "2018-06-01T10:00:00Z"):
            order = {"order_id": f"{placed_at}", "amount_cents": 1, "document": "52998224725"}
            if placed_at:
                order["placed_at"] = placed_at
            answer = client.post("/evaluate", json=order, headers=headers)
            assert answer.json["score"] is not None
        late = {"order_id": "late", "amount_cents": 1, "placed_at": "2018-06-01T10:00:00Z"}
        answer = client.post("/orders/batch", json={"orders": [late]}, headers=headers)
        assert answer.json["stored"] == 1
        answer = client.post("/chargebacks", json={"order_id": "late"}, headers=headers)
        assert answer.json["state"] == "stored"
        after = prepared(dependencies)
        dependencies.close()

    assert before == after
    assert before == sorted(text.decode() for text in REHEARSED)


def test_the_days_of_a_long_history_are_known_before_a_first_order_asks_for_them(stores: Stores):
    calendar = stores.process(standing_clocks(NOON)).model.served_model.evaluator._calendar
    known = calendar._table
    calendar.day_of(noon_of(2009, 1, 1))

    assert calendar._table is known


def test_a_process_begins_with_all_connections_and_stores_nothing(
    stores: Stores, online: OnlineStore
):
    dependencies = stores.process().application().extensions["ontem"]
    sizes = [store.pool_sizes for store in dependencies.stores.values()]
    with connect(stores.postgres_url, application_name="test", autocommit=True) as database:
        rows = database.execute(
            "SELECT (SELECT count(*) FROM orders), (SELECT count(*) FROM evaluations),"
            " (SELECT count(*) FROM order_products)"
        ).fetchone()
    dependencies.close()

    assert [each.ready for each in sizes] == [each.wanted for each in sizes]
    assert rows == (0, 0, 0)


def test_a_process_whose_stores_are_away_begins_all_the_same(stores: Stores):
    stores.postgres_url = "postgresql://ontem@127.0.0.1:1/nowhere"
    stores.redis_url = "redis://127.0.0.1:1"
    dependencies = stores.process().dependencies()
    dependencies.start()
    settling = threading.Thread(target=dependencies.settle, args=(1e6,), daemon=True)
    settling.start()
    settling.join(TIMEOUT_SECONDS)

    assert not settling.is_alive()
    dependencies.close()
