"""The same order again: one evaluation, one answer."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg

from stores.postgres.connection import connect
from tests.e2e.conftest import Shop
from tests.e2e.running import TIMEOUT_SECONDS, RunningService
from tests.e2e.shop_requests import import_order, wait_for_a_blocked_session


def an_order(order_id: str = "o-1", **fields: Any) -> dict[str, Any]:
    return {"order_id": order_id, "amount_cents": 1990, "document": "529.982.247-25", **fields}


def test_the_same_order_again_gets_the_same_bytes(shop: Shop):
    first = shop.evaluate(an_order())
    second = shop.evaluate(an_order(), at="2018-06-01T16:00:00Z")

    assert first.status == second.status == 200
    assert second.content == first.content
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"
    assert len(shop.stored("1", "o-1")) == 1


def test_the_same_order_written_another_way_is_the_same(shop: Shop):
    first = shop.evaluate(an_order(placed_at="2018-06-01T12:00:00-03:00"))
    second = shop.evaluate(
        {
            "placed_at": "2018-06-01T15:00:00Z",
            "document": "52998224725",
            "card": None,
            "amount_cents": 1990,
            "order_id": "o-1",
        }
    )

    assert second.status == 200
    assert second.content == first.content


def test_other_content_under_the_same_id_is_a_conflict_and_changes_nothing(shop: Shop):
    shop.evaluate(an_order())
    other = shop.evaluate(an_order(amount_cents=1991))

    assert other.status == 409
    assert other.body["code"] == "order_conflict"
    assert len(shop.stored("1", "o-1")) == 1


def test_the_same_id_at_another_merchant_is_another_order(shop: Shop, other_shop: Shop):
    first = shop.evaluate(an_order())
    second = other_shop.evaluate(an_order(amount_cents=5))

    assert second.status == 200
    assert second.body["evaluation_id"] != first.body["evaluation_id"]


def test_eight_at_once_leave_one_evaluation_and_get_one_answer(shop: Shop, service: RunningService):
    clients = [service.client(shop.client.key) for _ in range(8)]
    with ThreadPoolExecutor(len(clients)) as pool:
        answers = list(pool.map(lambda client: client.evaluate(an_order()), clients))

    assert [answer.status for answer in answers] == [200] * 8
    assert len({answer.content for answer in answers}) == 1
    assert [answer.headers.get("idempotent-replayed") for answer in answers].count(None) == 1
    assert len(shop.stored("1", "o-1")) == 1


def test_two_contents_at_once_leave_one_and_refuse_the_other(shop: Shop, service_database_url: str):
    """The loser waits for the winner's transaction, which is held open here until it waits."""
    order = an_order("race")
    with psycopg.connect(service_database_url) as rival:
        rival.execute(
            "INSERT INTO orders (merchant_id, order_id, event_at, import_id, content_hash,"
            " amount_cents) VALUES (%s, 'race', '2018-01-01Z', 1, %s, 5)",
            (shop.merchant.merchant_id, bytes(32)),
        )
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(shop.evaluate, order)
            wait_for_a_blocked_session(shop)
            rival.commit()
            answer = waiting.result(TIMEOUT_SECONDS)

    assert answer.status == 409
    assert shop.stored("1", "race") == []


def test_an_imported_order_is_evaluated_when_it_is_posted_and_keeps_its_instant(shop: Shop):
    import_order(shop, "o-1", "2018-06-01T14:00:00Z")
    answer = shop.evaluate(an_order())

    assert answer.status == 200
    assert answer.body["missing"] == []
    assert shop.vector("o-1")["document_orders_24h_recent"] == 0
    ((event_at,),) = shop.database.execute(
        "SELECT event_at::text FROM orders WHERE merchant_id = %s", (shop.merchant.merchant_id,)
    ).fetchall()
    assert event_at == "2018-06-01 14:00:00+00"


def test_an_order_that_an_import_stores_just_then_gets_its_evaluation(
    shop: Shop, service_database_url: str
):
    with connect(service_database_url, application_name="test") as importing:
        import_order(shop, "o-1", "2018-06-01T14:00:00Z", importing)
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(shop.evaluate, an_order())
            wait_for_a_blocked_session(shop)
            importing.commit()
            answer = waiting.result(TIMEOUT_SECONDS)

    assert (answer.status, answer.body["recorded"]) == (200, True)
    assert answer.body["missing"] == []
    assert shop.evaluate(an_order()).content == answer.content
    assert len(shop.stored("1", "o-1")) == 1


def test_an_imported_order_that_is_in_the_snapshot_itself_has_no_distant_past(shop: Shop):
    import_order(shop, "o-1", "2018-05-31T14:00:00Z")
    answer = shop.evaluate(an_order())

    assert answer.status == 200
    assert answer.body["missing"] == ["distant"]
    assert answer.body["score"] is None
    assert answer.body["decision"] == shop.merchant.policy.decision_without_score


def test_an_imported_order_with_other_content_is_a_conflict(shop: Shop):
    import_order(shop, "o-1", "2018-06-01T14:00:00Z")

    assert shop.evaluate(an_order(amount_cents=5)).status == 409
