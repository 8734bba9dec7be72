"""Orders of an outage, stored later and all at once."""

import json
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest

from service.batch_body import MOST_BYTES
from service.worker.clients import MOST_LONG_BODIES
from stores.postgres.api_keys import ApiKey
from tests.e2e.conftest import NOON, Shop
from tests.e2e.raw_http import RawClient, head_of, raw_client
from tests.e2e.running import HttpAnswer, RunningService
from tests.e2e.shop_requests import (
    an_order,
    import_order,
    post,
    post_batch,
    stored_orders,
    the_problem,
)

FULL = {
    "order_id": "full", "amount_cents": 1990, "placed_at": "2018-06-01T11:00:00-03:00",
    "document": "529.982.247-25", "email": "Ana@Example.com", "card": "4111 1111 1111 1111",
    "items": [{"product": "p-1", "quantity": 2, "amount_cents": 1990}],
}  # fmt: skip


def states(answer: HttpAnswer) -> list[str]:
    assert answer.status == 200, answer.body
    return [order["state"] for order in answer.body["orders"]]


def test_orders_are_stored_once_and_known_from_then_on(shop: Shop):
    orders = [an_order(order_id=f"o-{n}", document="529.982.247-25") for n in range(3)]
    first, second = post_batch(shop, orders), post_batch(shop, orders)

    assert states(first) == ["stored"] * 3
    assert states(second) == ["known"] * 3
    assert (first.body["stored"], second.body["known"], second.body["stored"]) == (3, 3, 0)
    assert stored_orders(shop) == [("o-0",), ("o-1",), ("o-2",)]


def test_a_batch_stores_what_an_evaluation_stores(shop: Shop, other_shop: Shop):
    columns = (
        'content_hash, placed_at, amount_cents, "user", document, email, phone, zip_code, device,'
        " ip, card, seller, product, items, import_id, generation"
    )
    post_batch(shop, [FULL])
    other_shop.evaluate(FULL)

    assert stored_orders(shop, columns) == stored_orders(other_shop, columns)
    products = (
        "SELECT product, event_at = (SELECT event_at FROM orders o WHERE o.order_pk = p.order_pk)"
    )
    query = f"{products} FROM order_products p WHERE merchant_id = %s"
    assert shop.database.execute(query, (shop.merchant.merchant_id,)).fetchall() == [("p-1", True)]  # type: ignore[arg-type]


def test_an_order_of_a_batch_counts_from_when_it_is_stored(shop: Shop):
    before = shop.database.execute("SELECT clock_timestamp()").fetchone()
    post_batch(shop, [FULL, an_order(document="52998224725")])
    after = shop.database.execute("SELECT clock_timestamp()").fetchone()

    for event_at, recorded_at in stored_orders(shop, "event_at, recorded_at"):
        assert before <= (event_at,) <= (recorded_at,) <= after
    answer = shop.evaluate(an_order(order_id="next", document="52998224725"), at=None)
    assert answer.status == 200
    assert shop.vector("next")["document_orders_24h_recent"] == 2


def test_an_order_of_a_batch_has_no_evaluation_and_gets_one_when_it_is_posted(shop: Shop):
    post_batch(shop, [an_order()])
    assert shop.stored("1", "o-1") == []
    ((event_at,),) = stored_orders(shop, "event_at")

    answer = shop.evaluate(an_order(), at=None)

    assert (answer.status, answer.body["recorded"]) == (200, True)
    assert "idempotent-replayed" not in answer.headers
    assert stored_orders(shop, "event_at") == [(event_at,)]
    assert states(post_batch(shop, [an_order()])) == ["known"]


def test_an_order_that_was_evaluated_or_imported_before_is_known(shop: Shop):
    shop.evaluate(an_order(order_id="live"))
    import_order(shop, "imported", "2018-06-01T14:00:00Z")
    imported = an_order(order_id="imported", document="529.982.247-25")

    assert states(post_batch(shop, [an_order(order_id="live"), imported])) == ["known", "known"]


BAD: list[tuple[Any, str, str]] = [
    (an_order(order_id="bad", amount_cents=-1), "field_refused", "orders[1].amount_cents"),
    ({"order_id": "bad"}, "field_refused", "orders[1].amount_cents"),
    ({"amount_cents": 1}, "field_refused", "orders[1].order_id"),
    (an_order(order_id="bad", score=1), "field_refused", "orders[1].score"),
    (an_order(order_id="bad", items=[{}]), "field_refused", "orders[1].items[0].product"),
    ("52998224725", "field_refused", "orders[1]"),
    (an_order(order_id="taken", amount_cents=5), "order_conflict", "orders[1].order_id"),
    (an_order(order_id="first", amount_cents=5), "order_conflict", "orders[1].order_id"),
]


@pytest.mark.parametrize(("bad", "code", "param"), BAD, ids=[param for _, _, param in BAD])
def test_one_bad_order_is_named_and_the_rest_is_stored_or_nothing(
    shop: Shop, bad: Any, code: str, param: str
):
    shop.evaluate(an_order(order_id="taken"))
    orders = [an_order(order_id="first"), bad, an_order(order_id="last")]

    nothing = post_batch(shop, orders)
    problem = the_problem(nothing, 422)
    assert (problem["code"], problem["param"]) == ("batch_refused", param)
    assert [(order["position"], order["code"]) for order in problem["orders"]] == [(1, code)]
    assert problem["orders"][0]["param"] == param
    assert problem["detail"].startswith("1 of 3 orders can't be stored, so none is")
    assert stored_orders(shop) == [("taken",)]

    rest = post_batch(shop, orders, "store_rest")
    assert states(rest) == ["stored", "refused", "stored"]
    assert rest.body["orders"][1] == problem["orders"][0]
    assert stored_orders(shop) == [("first",), ("last",), ("taken",)]
    assert b"52998224725" not in nothing.content + rest.content


def test_the_same_order_twice_in_a_batch_is_stored_once(shop: Shop):
    assert states(post_batch(shop, [an_order(), an_order()])) == ["stored", "known"]


def test_an_order_of_another_merchant_is_not_known(shop: Shop, other_shop: Shop):
    other_shop.evaluate(an_order(amount_cents=5))

    assert states(post_batch(shop, [an_order()])) == ["stored"]


def too_many(shop: Shop) -> HttpAnswer:
    return post_batch(shop, [an_order(order_id=str(n)) for n in range(1_001)])


@pytest.mark.parametrize(
    ("send", "status", "code", "param"),
    [
        (lambda shop: post_batch(shop, []), 422, "field_refused", "orders"),
        (too_many, 422, "field_refused", "orders"),
        (lambda shop: post_batch(shop, "o-1"), 422, "field_refused", "orders"),
        (lambda shop: post_batch(shop, [], "perhaps"), 422, "field_refused", "if_refused"),
        (lambda shop: post(shop, b'{"orders": [], "mode": 1}'), 422, "field_refused", "mode"),
        (lambda shop: post(shop, b"{}"), 422, "field_refused", "orders"),
        (lambda shop: post(shop, b"[]"), 422, "field_refused", ""),
        (lambda shop: post(shop, b'{"orders": ['), 400, "body_unreadable", None),
        (lambda shop: post(shop, b"[" * 60_000), 400, "body_unreadable", None),
        (lambda shop: post(shop, bytes(MOST_BYTES + 1)), 413, "body_too_large", None),
        (
            lambda shop: post_batch(shop, [{"order_id": "a\0"}]),
            422,
            "field_refused",
            "orders[0].order_id",
        ),
        (lambda shop: post_batch(shop, [], Ontem_Version="1"), 400, "version_unknown", None),
        (lambda shop: post_batch(shop, [], Authorization="Bearer x"), 401, "key_refused", None),
        (lambda shop: post_batch(shop, [], Content_Type="a/b"), 415, "media_type_refused", None),
        (lambda shop: shop.client.send("GET", "/orders/batch"), 405, "method_not_allowed", None),
    ],
)  # fmt: skip
def test_a_batch_that_is_wrong_as_a_whole_is_refused(
    shop: Shop,
    send: Callable[[Shop], HttpAnswer],
    status: int,
    code: str,
    param: str | None,
):
    problem = the_problem(send(shop), status)

    assert (problem["code"], problem.get("param")) == (code, param)
    assert stored_orders(shop) == []


def test_a_thousand_orders_longer_than_an_evaluation_may_be_are_stored(shop: Shop):
    orders = [an_order(order_id=f"{n:04}", user="u" * 500) for n in range(1_000)]
    assert len(json.dumps(orders)) > 500_000

    answer = post_batch(shop, orders, mode="store_rest")

    assert answer.body["stored"] == 1_000
    assert len(stored_orders(shop)) == 1_000
    assert shop.evaluate(an_order(), at=NOON).status == 200


def test_few_long_bodies_are_on_their_way_at_a_time_and_who_sends_most_makes_room(
    shop: Shop, service: RunningService
):
    assert states(post_batch(shop, [an_order(order_id="before")])) == ["stored"]  # its key is known
    with ExitStack() as stack:

        def begin(key: str) -> RawClient:
            client = stack.enter_context(raw_client(service))
            head = head_of("POST /orders/batch", key, Content_Length="100000")
            client.send(head.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"))
            return client

        def is_overloaded(client: RawClient) -> bool:
            refused = client.answer()
            assert refused.headers["retry-after"] == "1"
            return the_problem(refused, 503)["code"] == "overloaded" and client.is_closed()

        strangers = [begin(ApiKey.new().text) for _ in range(MOST_LONG_BODIES)]
        assert [each.answer().status for each in strangers] == [100] * MOST_LONG_BODIES
        assert is_overloaded(begin(ApiKey.new().text))

        ours = []
        for number in range(1, MOST_LONG_BODIES // 2 + 1):
            strangers[-number].send(b"{")
            ours.append(begin(shop.client.key))
            assert ours[-1].answer().status == 100  # its body is awaited
            assert is_overloaded(strangers[-number])
        assert is_overloaded(begin(shop.client.key))

        assert states(post_batch(shop, [an_order()])) == ["stored"]
        for sender, status in ((strangers[0], 401), (ours[0], 422), (ours[-1], 422)):
            sender.send(b"{}".ljust(100_000))
            the_problem(sender.answer(), status)
        after = begin(shop.client.key)
        assert after.answer().status == 100
        after.send(b"{}".ljust(100_000))
        assert the_problem(after.answer(), 422)["param"] == "orders"
