"""Stores that fail while the service runs: it still answers, and recovers without a restart."""

from typing import Any

import pytest

from tests.e2e.conftest import Shop, wait_until_normal
from tests.e2e.fault_proxy import Fault, FaultProxy

pytestmark = pytest.mark.faults


def an_order(order_id: str, **fields: Any) -> dict[str, Any]:
    return {"order_id": order_id, "amount_cents": 1990, "document": "52998224725", **fields}


@pytest.mark.parametrize("fault", ["silent", "reset", "truncate"])
def test_redis_that_fails_leaves_the_distant_past_missing_until_it_is_back(
    shop: Shop, proxy: FaultProxy, fault: Fault
):
    assert shop.evaluate(an_order("before")).body["degraded"] is False
    proxy.fault = fault
    during = shop.evaluate(an_order("during"))
    proxy.fault = "none"
    wait_until_normal(shop)
    after = shop.evaluate(an_order("after"), at="2018-06-01T15:00:01Z")

    assert during.status == 200
    assert during.body["missing"] == ["distant"]
    assert (during.body["score"], during.body["decision"]) == (None, "block")
    assert shop.stored("missing, load_id", "during") == [(["distant"], None)]
    assert after.body["degraded"] is False
    assert shop.vector("after")["document_orders_24h_recent"] == 2


def test_the_answer_of_a_degraded_order_stays_what_it_was(shop: Shop, proxy: FaultProxy):
    proxy.fault = "silent"
    during = shop.evaluate(an_order("during"))
    proxy.fault = "none"

    assert shop.evaluate(an_order("during")).content == during.content


def test_redis_that_answers_byte_by_byte_is_still_read(shop: Shop, proxy: FaultProxy):
    proxy.fault = "slices"

    answers = (shop.evaluate(an_order(f"asked {number}")) for number in range(5))
    assert any(answer.body["degraded"] is False for answer in answers)  # the machine may be busy


def test_redis_that_refuses_is_missing_and_told_while_the_process_stays_ready(
    shop: Shop, proxy: FaultProxy
):
    proxy.refuse()
    answer = shop.evaluate(an_order("asked"))
    ready = shop.client.send("GET", "/readyz")

    assert (answer.status, answer.body["missing"]) == (200, ["distant"])
    assert ready.status == 200
    states = shop.client.send("GET", "/statusz").body["states"]
    assert states["redis"]["state"] == "away"
    assert states["postgresql"] == {"state": "ok"}
    assert shop.client.send("GET", "/livez").status == 200


def test_sessions_that_postgresql_ended_are_opened_again_without_a_loss(shop: Shop):
    shop.evaluate(an_order("before"))
    end_sessions = (
        "SELECT pg_terminate_backend(pid, 30000) FROM pg_stat_activity WHERE application_name = %s"
    )
    assert shop.database.execute(
        end_sessions + " AND datname = current_database()", ("ontem serve",)
    )

    after = shop.evaluate(an_order("after"))

    assert (after.status, after.body["degraded"]) == (200, False)


def test_connections_that_redis_ended_are_opened_again_without_a_loss(
    shop: Shop, proxy: FaultProxy
):
    shop.evaluate(an_order("before"))
    proxy.refuse()
    proxy.recover()
    wait_until_normal(shop)

    assert shop.evaluate(an_order("after")).body["degraded"] is False


def test_orders_that_cannot_be_stored_are_not_answered_and_may_be_sent_again(shop: Shop):
    shop.evaluate(an_order("before"))
    with shop.database.transaction():
        shop.database.execute("LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
        during = shop.evaluate(an_order("during"))
    after = shop.evaluate(an_order("during"))

    assert during.status == 503
    assert during.body["code"] == "store_unavailable"
    assert during.headers["retry-after"] == "1"
    assert after.status == 200
    # What was given up may have been stored as the lock ended: then that is what the order gets.
    ((evaluation_id,),) = shop.stored("evaluation_id::text", "during")
    assert after.body["evaluation_id"] == evaluation_id
