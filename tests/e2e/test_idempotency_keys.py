"""A request that is repeated with its key is done once, and answered the same for 24 hours."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from stores.postgres.connection import Connection, connect
from stores.postgres.idempotency_keys import forget_expired
from tests.e2e.conftest import Shop
from tests.e2e.running import TIMEOUT_SECONDS, HttpAnswer
from tests.e2e.shop_requests import (
    an_order,
    post,
    stored_orders,
    the_problem,
    wait_for_a_blocked_session,
)

KEY = "8e03978e-40d5-43dd-bc93-6894a57f9324"
BODIES = {
    "/orders/batch": {"orders": [an_order()]},
    "/chargebacks": {"order_id": "o-1"},
}
paths = pytest.mark.parametrize("path", BODIES)


def send(shop: Shop, path: str, key: str = KEY, **fields: Any) -> HttpAnswer:
    content = json.dumps(BODIES[path] | fields).encode()
    return post(shop, content, path, Idempotency_Key=key)


def rows_of(shop: Shop, path: str) -> int:
    table = {"/orders/batch": "orders", "/chargebacks": "chargebacks"}[path]
    (row,) = shop.database.execute(
        f"SELECT count(*) FROM {table} WHERE merchant_id = %s",  # type: ignore[arg-type]
        (shop.merchant.merchant_id,),
    ).fetchall()
    return int(str(row[0]))


def age(shop: Shop, hours: str) -> None:
    """Let the keys of a merchant be that old."""
    shop.database.execute(
        "UPDATE idempotency_keys SET recorded_at = ontem_clock() - %s::interval"
        " WHERE merchant_id = %s",
        (hours, shop.merchant.merchant_id),
    )


@paths
def test_the_same_request_again_gets_the_same_bytes(shop: Shop, path: str):
    first, again = send(shop, path), send(shop, path)

    assert (first.status, again.status) == (200, 200)
    assert again.content == first.content
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert b'"stored"' in again.content  # not known, as without the key
    assert rows_of(shop, path) == 1


@paths
def test_another_body_with_the_same_key_is_refused(shop: Shop, path: str):
    send(shop, path)
    other = {"orders": [an_order(order_id="o-2")]} if "batch" in path else {"order_id": "o-2"}

    assert the_problem(send(shop, path, **other), 422)["code"] == "idempotency_key_reused"
    assert rows_of(shop, path) == 1


def test_another_path_with_the_same_key_and_body_is_another_request(shop: Shop):
    first, second = BODIES
    content = json.dumps(BODIES[first]).encode()
    post(shop, content, first, Idempotency_Key=KEY)

    problem = the_problem(send(shop, second), 422)
    assert problem["code"] == "idempotency_key_reused"


@paths
def test_a_key_belongs_to_its_merchant(shop: Shop, other_shop: Shop, path: str):
    send(shop, path)
    other = send(other_shop, path, **({} if "batch" in path else {"kind": "reversal"}))

    assert other.status == 200
    assert "idempotent-replayed" not in other.headers


@paths
@pytest.mark.parametrize("key", [" ", "a" * 256, "a b", "a,b"])
def test_a_key_of_another_form_is_refused_and_nothing_done(shop: Shop, path: str, key: str):
    assert the_problem(send(shop, path, key), 400)["code"] == "idempotency_key_refused"
    assert rows_of(shop, path) == 0


@paths
def test_a_request_that_was_refused_leaves_its_key_free(shop: Shop, path: str):
    wrong = {"orders": [{}]} if "batch" in path else {"reported_at": "2199-01-01T00:00:00Z"}
    the_problem(send(shop, path, **wrong), 422)

    assert send(shop, path).status == 200


@paths
def test_a_key_is_free_after_a_day(shop: Shop, path: str):
    first = send(shop, path)
    age(shop, "23:59")
    assert send(shop, path).content == first.content
    age(shop, "24:00")
    later = send(shop, path)

    assert b'"known"' in later.content
    assert "idempotent-replayed" not in later.headers
    assert send(shop, path).content == later.content


def test_keys_are_removed_after_a_day_and_not_before(shop: Shop, other_shop: Shop):
    send(shop, "/chargebacks")
    send(other_shop, "/chargebacks")
    forget_expired(shop.database)
    age(shop, "24:00")

    assert forget_expired(shop.database) == 1
    assert send(other_shop, "/chargebacks").headers["idempotent-replayed"] == "true"


@paths
def test_of_two_requests_at_once_one_is_done(shop: Shop, service_database_url: str, path: str):
    with connect(service_database_url, application_name="test") as first:
        claim(first, shop)
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(send, shop, path)
            wait_for_a_blocked_session(shop)
            first.rollback()
            answer = waiting.result(TIMEOUT_SECONDS)

    assert answer.status == 200
    assert "idempotent-replayed" not in answer.headers
    assert rows_of(shop, path) == 1


@paths
def test_a_request_waits_for_the_one_that_is_being_done(
    shop: Shop, service_database_url: str, path: str
):
    with connect(service_database_url, application_name="test") as first:
        claim(first, shop)
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(send, shop, path)
            wait_for_a_blocked_session(shop)
            first.commit()
            answer = waiting.result(TIMEOUT_SECONDS)

    assert the_problem(answer, 422)["code"] == "idempotency_key_reused"
    assert rows_of(shop, path) == 0


def claim(session: Connection, shop: Shop) -> None:
    session.execute(
        "INSERT INTO idempotency_keys (merchant_id, idempotency_key, body_hash, answer)"
        " VALUES (%s, %s, %s, '{}')",
        (shop.merchant.merchant_id, KEY, bytes(32)),
    )


def test_without_a_key_everything_is_done_again_and_known(shop: Shop):
    content = json.dumps(BODIES["/orders/batch"]).encode()

    assert b'"stored"' in post(shop, content).content
    assert b'"state":"known"' in post(shop, content).content
    assert len(stored_orders(shop)) == 1


@paths
def test_a_request_whose_session_ends_is_a_503_and_leaves_nothing(
    shop: Shop, service_database_url: str, path: str
):
    with connect(service_database_url, application_name="test") as rival:
        rival.execute("LOCK TABLE orders, chargebacks IN EXCLUSIVE MODE")
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(send, shop, path)
            wait_for_a_blocked_session(shop)
            shop.database.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE wait_event_type = 'Lock' AND application_name = 'ontem serve'"
            )
            answer = waiting.result(TIMEOUT_SECONDS)

    assert the_problem(answer, 503)["code"] == "store_unavailable"
    assert answer.headers["retry-after"] == "1"
    assert rows_of(shop, path) == 0
    assert "idempotent-replayed" not in send(shop, path).headers
