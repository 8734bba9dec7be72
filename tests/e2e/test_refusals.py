"""Bad input and attacks: each is refused in the same form, and the service goes on."""

import gzip
import json

import pytest

from stores.postgres.api_keys import ApiKey
from stores.postgres.issued_keys import issue_key, revoke_key
from tests.e2e.conftest import Shop
from tests.e2e.shop_requests import an_order, the_problem


@pytest.mark.parametrize(
    ("content", "param"),
    [
        (b'{"amount_cents": 1}', "order_id"),
        (b'{"order_id": "o-1"}', "amount_cents"),
        (json.dumps(an_order(amount_cents=-1)).encode(), "amount_cents"),
        (json.dumps(an_order(placed_at="2018-06-01T12:00:00")).encode(), "placed_at"),
        (json.dumps(an_order(score=0)).encode(), "score"),
        (b'{"order_id": "o-1", "amount_cents": NaN}', "amount_cents"),
        (b'{"order_id": "o-1", "amount_cents": 1, "amount_cents": 2}', "amount_cents"),
        (rb'{"order_id": "o\u0000", "amount_cents": 1}', "order_id"),
        (b"[]", ""),
    ],
)
def test_a_field_that_cannot_be_taken_is_named(shop: Shop, content: bytes, param: str):
    problem = the_problem(shop.evaluate(content), 422)

    assert problem["code"] == "field_refused"
    assert problem["param"] == param
    assert shop.database.execute(
        "SELECT count(*) FROM orders WHERE merchant_id = %s", (shop.merchant.merchant_id,)
    ).fetchone() == (0,)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[" * 60_000, b"\xff\xfe{}", gzip.compress(b'{"order_id": "o-1"}', mtime=0)],
)
def test_a_body_that_is_not_json_is_a_400_and_the_worker_lives(shop: Shop, content: bytes):
    the_problem(shop.evaluate(content), 400)

    assert shop.evaluate(an_order()).status == 200


@pytest.mark.parametrize(
    "content_type",
    [None, "text/plain", "application/json; charset=latin-1", "application/x-www-form-urlencoded"],
)
def test_another_media_type_is_a_415(shop: Shop, content_type: str | None):
    the_problem(shop.evaluate(an_order(), Content_Type=content_type), 415)


def test_a_compressed_body_is_a_415(shop: Shop):
    bomb = gzip.compress(bytes(10_000_000))

    the_problem(shop.evaluate(bomb, Content_Encoding="gzip"), 415)


@pytest.mark.parametrize("size", [65_537, 10_000_000])
def test_a_body_over_the_limit_is_a_413(shop: Shop, size: int):
    content = json.dumps(an_order()).encode().ljust(size)

    the_problem(shop.evaluate(content), 413)
    assert shop.evaluate(an_order()).status == 200


def test_a_body_of_exactly_the_limit_is_accepted(shop: Shop):
    assert shop.evaluate(json.dumps(an_order()).encode().ljust(65_536)).status == 200


def test_a_body_in_chunks_is_a_411_whatever_its_size(shop: Shop):
    shop.client.connection.request(
        "POST",
        "/evaluate",
        (bytes(8_192) for _ in range(20)),
        {
            "Authorization": f"Bearer {shop.client.key}",
            "Content-Type": "application/json",
            "Transfer-Encoding": "chunked",
        },
        encode_chunked=True,
    )
    response = shop.client.connection.getresponse()
    problem = json.loads(response.read())

    assert (response.status, problem["status"]) == (411, 411)
    assert problem["code"] == "length_required"
    assert "Content-Length" in problem["detail"]


def bad_keys(key: str) -> dict[str, str | None]:
    unknown = ApiKey.new().text
    return {
        "missing": None,
        "empty": "Bearer ",
        "no scheme": key,
        "another scheme": f"Basic {key}",
        "garbage": "Bearer ontem_garbage",
        "one digit off": f"Bearer {key[:-1]}{'0' if key[-1] != '0' else '1'}",
        "unknown": f"Bearer {unknown}",
        "its id with another secret": f"Bearer {ApiKey(key[6:18], unknown[19:67]).text}",
    }


@pytest.mark.parametrize("case", bad_keys(ApiKey.new().text))
def test_every_key_that_is_not_valid_gets_the_same_401(shop: Shop, case: str):
    keys = bad_keys(shop.client.key)
    same_id = "of-both-requests"
    refused = shop.evaluate(an_order(), Authorization=keys[case], X_Request_Id=same_id)
    missing = shop.evaluate(an_order(), Authorization=None, X_Request_Id=same_id)

    the_problem(refused, 401)
    assert refused.content == missing.content
    assert refused.headers["www-authenticate"] == "Bearer"


def test_a_key_in_the_url_does_not_count(shop: Shop):
    content = json.dumps(an_order()).encode()
    path = f"/evaluate?key={shop.client.key}&Authorization=Bearer%20{shop.client.key}"

    answer = shop.client.send("POST", path, content, Content_Type="application/json")

    the_problem(answer, 401)


def test_a_revoked_key_that_was_never_used_is_refused(shop: Shop):
    key = issue_key(shop.database, shop.merchant)
    revoke_key(shop.database, shop.merchant, key.key_id)

    the_problem(shop.evaluate(an_order(), Authorization=f"Bearer {key.text}"), 401)


def test_two_keys_of_a_merchant_work_side_by_side(shop: Shop):
    second = issue_key(shop.database, shop.merchant)

    first = shop.evaluate(an_order())
    again = shop.evaluate(an_order(), Authorization=f"Bearer {second.text}")

    assert again.content == first.content


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/debug", 404),
        ("GET", "/static/openapi.json", 404),
        ("GET", "/evaluate", 405),
        ("OPTIONS", "/evaluate", 405),
        ("TRACE", "/evaluate", 405),
        ("DELETE", "/livez", 405),
        ("POST", "/evaluate/", 404),
    ],
)
def test_unknown_paths_and_methods_are_problems_too(
    shop: Shop, method: str, path: str, status: int
):
    problem = the_problem(shop.client.send(method, path), status)

    assert problem["code"] == {404: "not_found", 405: "method_not_allowed"}[status]


@pytest.mark.parametrize(
    "order_id",
    ["a:b", "{a}*", "x\r\nSET y 1\r\n", "'; DROP TABLE orders; --", "%s %(a)s", "\U0001f600"],
)
def test_an_id_of_odd_characters_is_an_ordinary_id(shop: Shop, order_id: str):
    order = an_order(order_id=order_id, user=order_id, device=order_id)

    answer = shop.evaluate(order)

    assert answer.body["order_id"] == order_id
    assert shop.evaluate(order).content == answer.content
    assert len(shop.stored("1", order_id)) == 1
