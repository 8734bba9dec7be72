"""The stored answer again, by its id and by its order's, and nobody else's."""

import uuid
from urllib.parse import quote

import pytest

from tests.e2e.conftest import Shop
from tests.e2e.shop_requests import an_order, get, import_order, the_problem

CARD = "4111 1111 1111 1111"


@pytest.mark.parametrize("fields", [{}, {"card": CARD}], ids=["plain", "with a card's number"])
def test_the_stored_answer_is_found_by_its_id_and_by_its_orders(shop: Shop, fields: dict[str, str]):
    answered = shop.evaluate(an_order(**fields))

    by_id = get(shop, f"/evaluations/{answered.body['evaluation_id']}")
    by_order = get(shop, "/evaluations?order_id=o-1")

    assert (by_id.status, by_order.status) == (200, 200)
    assert by_id.content == by_order.content == answered.content


@pytest.mark.parametrize("order_id", ["a b&c=d+e", "ação/?#%", "\U0001f600" * 128, "x\r\ny"])
def test_an_order_of_an_odd_id_is_found(shop: Shop, order_id: str):
    answered = shop.evaluate(an_order(order_id=order_id))

    assert get(shop, f"/evaluations?order_id={quote(order_id, safe='')}").content == (
        answered.content
    )


def test_what_another_merchant_has_is_as_if_it_were_not_there(shop: Shop, other_shop: Shop):
    answered = shop.evaluate(an_order(order_id="only-mine"))
    same_id = "of-all-of-these"

    refused = [
        get(other_shop, path, X_Request_Id=same_id)
        for path in (
            f"/evaluations/{answered.body['evaluation_id']}",
            "/evaluations?order_id=only-mine",
            f"/evaluations/{uuid.uuid4()}",
            "/evaluations/not-a-uuid",
            "/evaluations?order_id=never-sent",
        )
    ]

    assert the_problem(refused[0], 404)["code"] == "evaluation_not_found"
    assert len({answer.content for answer in refused}) == 1


def test_an_order_that_was_only_imported_has_no_evaluation(shop: Shop):
    import_order(shop, "o-1", "2018-06-01T14:00:00Z")

    assert get(shop, "/evaluations?order_id=o-1").status == 404


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("", "is missing"), ("?", "is missing"), ("?order_id=", "is missing"),
        ("?order_id=a&order_id=b", "must"), ("?order_id=a&limit=5", "must"), ("?limit=5", "must"),
        ("?order_id=%00", "contains"),
        ("?order_id=" + "x" * 129, "has more than 128"), ("?order_id=%ff", "must be percent"),
    ],
)  # fmt: skip
def test_a_query_without_one_whole_order_id_is_refused(shop: Shop, query: str, reason: str):
    problem = the_problem(get(shop, f"/evaluations{query}"), 422)

    assert problem["param"] == "order_id"
    assert problem["detail"].startswith(f"order_id: {reason}")


@pytest.mark.parametrize("path", ["/evaluations?order_id=o-1", f"/evaluations/{uuid.UUID(int=1)}"])
def test_a_key_and_a_known_version_are_needed(shop: Shop, path: str):
    the_problem(get(shop, path, Authorization=None), 401)
    assert the_problem(get(shop, path, Ontem_Version="1"), 400)["code"] == "version_unknown"


def test_only_get_is_taken(shop: Shop):
    for path in ("/evaluations", "/evaluations/x"):
        headers = {"Authorization": f"Bearer {shop.client.key}"}
        answer = shop.client.send("DELETE", path, **headers)

        the_problem(answer, 405)
        assert answer.headers["allow"] == "GET, HEAD"
