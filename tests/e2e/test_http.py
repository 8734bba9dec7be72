"""HTTP itself: what is refused before a body is read, and what connections may do."""

import json

import pytest

from tests.e2e.conftest import Shop
from tests.e2e.raw_http import evaluation_of, head_of, raw_client
from tests.e2e.running import RunningService
from tests.e2e.shop_requests import an_order, the_problem

LIVEZ = head_of("GET /livez")


def an_evaluation(shop: Shop, **headers: str) -> bytes:
    return evaluation_of(json.dumps(an_order()).encode(), shop.client.key, **headers)


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"POST /evaluate HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (
            b"POST /evaluate HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            400,
        ),
        (b"GET /livez HTTP/1.1\r\nHost: a\r\n folded: b\r\n\r\n", 400),
        (b"GET /livez HTTP/1.1\r\nHost: a\r\nX-Long: " + b"x" * 64_000 + b"\r\n\r\n", 431),
        (b"GET /livez HTTP/1.1\r\nHost: a\r\n" + b"X: 1\r\n" * 101 + b"\r\n", 431),
        (b"GET /livez?document=52998224725 HTTP/9.9\r\n\r\n", 400),
        (b"52998224725\r\n\r\n", 400),
        (b"GET /" + b"5" * 3_000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"POST /evaluate HTTP/1.1\r\nTransfer-Encoding: br\r\n\r\n", 501),
        (b"POST /evaluate HTTP/1.1\r\nExpect: 52998224725\r\n\r\n", 417),
        (b"GET /livez HTTP/1.1\r\nHost: a\r\nX_Forwarded_For: 52998224725\r\n\r\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"GET http://52998224725/livez HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", 400),
    ],
    ids=[
        "two lengths", "length and chunked", "folded", "long header", "many headers", "version",
        "one word", "long line", "coding", "expectation", "underscore",
        "HTTP/2", "URL", "tunnel",
    ],
)  # fmt: skip
def test_what_no_http_client_sends_is_a_problem_too_and_the_connection_closed(
    service: RunningService, head: bytes, status: int
):
    with raw_client(service) as client:
        client.send(head)
        answer = client.answer()
        assert client.is_closed()

    the_problem(answer, status)
    assert answer.headers["connection"] == "close"
    assert b"52998224725" not in answer.content
    assert "52998224725" not in service.log.read_text(encoding="utf-8")
    assert service.client().send("GET", "/livez").status == 200


@pytest.mark.parametrize(
    ("line", "with_key", "headers", "status"),
    [
        ("POST /nowhere", "with key", {}, 404),
        ("PUT /evaluate", "with key", {}, 405),
        ("POST /livez", "with key", {}, 405),
        ("POST /evaluate", "", {}, 401),
        ("POST /evaluate", "with key", {"Content_Encoding": "gzip"}, 415),
        ("POST /evaluate", "with key", {}, 411),
        ("POST /evaluate", "with key", {"Transfer_Encoding": "chunked"}, 411),
        ("POST /evaluate", "with key", {"Content_Length": "65537"}, 413),
        ("POST /evaluate", "with key", {"Content_Length": "9" * 4_000}, 413),
        ("POST /evaluate", "with key", {"Content_Length": "-1"}, 400),
        (
            "POST /evaluate",
            "with key",
            {"Content_Length": "1", "Transfer_Encoding": "chunked"},
            400,
        ),
    ],
)
def test_what_the_head_shows_is_refused_before_the_body_is_sent(
    shop: Shop,
    service: RunningService,
    line: str,
    with_key: str,
    headers: dict[str, str],
    status: int,
):
    with raw_client(service) as client:
        client.send(head_of(line, shop.client.key if with_key else "", **headers))

        the_problem(client.answer(), status)


def test_the_key_is_looked_at_before_anything_else_of_a_known_path(service: RunningService):
    with raw_client(service) as client:
        client.send(head_of("POST /evaluate", Content_Length="99999999", Content_Type="text/plain"))
        answer = client.answer()

    the_problem(answer, 401)
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_method_that_is_refused_is_told_those_that_are_not(service: RunningService):
    with raw_client(service) as client:
        client.send(head_of("DELETE /evaluate"))

        assert client.answer().headers["allow"] == "POST"


def test_a_connection_goes_on_after_a_refusal_whose_body_is_small(
    shop: Shop, service: RunningService
):
    with raw_client(service) as client:
        client.send(head_of("POST /evaluate", Content_Length="70"))
        refused = client.answer()
        client.send(b"GET /livez HTTP/1.1\r\n\r\n".ljust(70) + an_evaluation(shop))

        assert refused.headers["connection"] == "keep-alive"
        assert client.answer().status == 200


def test_a_body_that_is_too_long_is_read_until_its_client_has_seen_the_refusal(
    shop: Shop, service: RunningService
):
    with raw_client(service) as client:
        client.send(evaluation_of(bytes(10_000_000), shop.client.key))
        answer = client.answer()

        the_problem(answer, 413)
        assert answer.headers["connection"] == "close"
        assert client.is_closed()


def test_requests_that_are_sent_at_once_are_answered_in_order(shop: Shop, service: RunningService):
    refused = head_of("POST /evaluate", Content_Length="2") + b"{}"
    with raw_client(service) as client:
        client.send(LIVEZ + an_evaluation(shop) + refused + LIVEZ + an_evaluation(shop))
        answers = [client.answer() for _ in range(5)]

    assert [answer.status for answer in answers] == [200, 200, 401, 200, 200]
    assert answers[4].headers["idempotent-replayed"] == "true"
    assert answers[1].content == answers[4].content


def test_more_requests_than_the_worker_reads_ahead_are_all_answered(service: RunningService):
    requests = 20_000
    with raw_client(service) as client:
        client.send(LIVEZ * requests)

        assert all(client.answer().status == 200 for _ in range(requests))


def test_a_request_byte_by_byte_is_a_request(shop: Shop, service: RunningService):
    with raw_client(service) as client:
        content = an_evaluation(shop)
        for position in range(len(content)):
            client.send(content[position : position + 1])

        assert client.answer().status == 200


def test_a_client_that_ends_its_side_after_its_requests_gets_its_answers(
    shop: Shop, service: RunningService
):
    with raw_client(service) as client:
        client.send(an_evaluation(shop) + LIVEZ)
        client.socket.shutdown(1)

        assert [client.answer().status, client.answer().status] == [200, 200]
        assert client.is_closed()


def test_a_body_that_ends_before_its_length_is_a_400(shop: Shop, service: RunningService):
    with raw_client(service) as client:
        client.send(an_evaluation(shop)[:-1])
        client.socket.shutdown(1)
        problem = the_problem(client.answer(), 400)

    assert problem["code"] == "body_unreadable"


def test_a_client_that_waits_for_it_is_told_to_go_on(shop: Shop, service: RunningService):
    content = json.dumps(an_order()).encode()
    whole = evaluation_of(content, shop.client.key, Expect="100-continue")
    with raw_client(service) as client:
        client.send(whole[: -len(content)])
        invitation = client.answer(has_body=False)
        client.send(content)

        assert (invitation.status, client.answer().status) == (100, 200)


def test_a_client_that_waits_is_refused_without_sending_its_body(service: RunningService):
    with raw_client(service) as client:
        client.send(head_of("POST /evaluate", Content_Length="9", Expect="100-continue"))

        the_problem(client.answer(), 401)
        assert client.is_closed()


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/openapi.json", "/nowhere"])
def test_head_is_get_without_a_body(service: RunningService, path: str):
    with raw_client(service) as client:
        client.send(head_of(f"HEAD {path}") + head_of(f"GET {path}"))
        head, get = client.answer(has_body=False), client.answer()

    assert head.status == get.status
    assert head.headers["content-length"] == get.headers["content-length"]


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/nowhere"])
def test_a_connection_ends_when_its_client_wants_that(service: RunningService, path: str):
    with raw_client(service) as client:
        client.send(head_of(f"GET {path}", Connection="close"))

        assert client.answer().headers["connection"] == "close"
        assert client.is_closed()


@pytest.mark.parametrize(
    "header",
    ["SCRIPT__NAME", "PATH__INFO", "X__Forwarded__For", "Content__Length", "authorization__"],
)
def test_a_header_with_an_underscore_is_refused_because_it_may_be_another_to_a_proxy(
    shop: Shop, service: RunningService, header: str
):
    with raw_client(service) as client:
        client.send(an_evaluation(shop, **{header: "/openapi.json"}))
        problem = the_problem(client.answer(), 400)
        assert client.is_closed()

    assert problem["code"] == "malformed_request"
    assert problem["detail"].endswith("letters, digits and hyphens, without underscore")
    assert shop.stored("1", "o-1") == []


def test_no_header_changes_the_path(shop: Shop, service: RunningService):
    with raw_client(service) as client:
        client.send(an_evaluation(shop, Script_Name="/evaluate", Path_Info="/openapi.json"))

        assert client.answer().body["order_id"] == "o-1"
