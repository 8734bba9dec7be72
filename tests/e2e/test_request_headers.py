"""Request ids, the version of the interface, and idempotency keys where they change nothing."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.conftest import Shop
from tests.e2e.raw_http import evaluation_of, raw_client
from tests.e2e.running import HttpAnswer, RunningService
from tests.e2e.shop_requests import an_order, the_problem


def log_lines(service: RunningService, request_id: str) -> list[dict[str, Any]]:
    """The lines of the log that have this request id."""
    lines = (json.loads(line) for line in service.log.read_text().splitlines())
    return [line for line in lines if line.get("request_id") == request_id]


@pytest.mark.parametrize("sent", ["8d1f-Ab_c.9", "a" * 64, "loja-000001"])
def test_the_clients_request_id_is_that_of_answer_and_log(
    shop: Shop, service: RunningService, sent: str
):
    answer = shop.evaluate(an_order(), X_Request_Id=sent)

    assert answer.headers["x-request-id"] == sent
    (line,) = log_lines(service, sent)
    assert line["evaluation_id"] == answer.body["evaluation_id"]
    assert shop.stored("request_id", "o-1") == [(sent,)]


def test_the_row_of_an_evaluation_keeps_the_id_of_the_request_that_stored_it(shop: Shop):
    first = shop.evaluate(an_order(), X_Request_Id="of-the-first")
    again = shop.evaluate(an_order(), X_Request_Id="of-a-retry")

    assert again.content == first.content
    assert again.headers["x-request-id"] == "of-a-retry"
    assert shop.stored("request_id", "o-1") == [("of-the-first",)]


def test_an_unusual_host_changes_nothing_of_the_id_that_is_stored(shop: Shop):
    """Flask answers it without the shortcut."""
    answer = shop.evaluate(an_order(), Host="a_b", X_Request_Id=None)

    assert shop.stored("request_id", "o-1") == [(answer.headers["x-request-id"],)]


@pytest.mark.parametrize(
    "sent",
    [None, "52998224725", "529.982.247-25", "short-7", "x" * 65, "a b c d e", "ana@loja.br"],
)  # fmt: skip
def test_without_a_well_formed_request_id_a_new_one_is_made(
    shop: Shop, service: RunningService, sent: str | None
):
    first = shop.evaluate(an_order(), X_Request_Id=sent).headers["x-request-id"]
    second = shop.evaluate(an_order(), X_Request_Id=sent).headers["x-request-id"]

    assert first != second
    assert len(log_lines(service, first)) == 1
    assert shop.stored("request_id", "o-1") == [(first,)]
    assert not sent or sent not in service.log.read_text()


def refused_by_the_application(shop: Shop, **headers: str) -> HttpAnswer:
    return shop.evaluate(b"[]", **headers)


def refused_by_its_head(shop: Shop, **headers: str) -> HttpAnswer:
    return shop.evaluate(an_order(), Authorization=None, **headers)


def not_found(shop: Shop, **headers: str) -> HttpAnswer:
    return shop.client.send("GET", "/nowhere", **headers)


def too_long(shop: Shop, **headers: str) -> HttpAnswer:
    return shop.evaluate(bytes(65_537), **headers)


@pytest.mark.parametrize(
    "refuse", [refused_by_the_application, refused_by_its_head, not_found, too_long]
)
def test_a_refusal_has_the_request_id_wherever_it_was_made(
    shop: Shop, refuse: Callable[..., HttpAnswer]
):
    answer = refuse(shop, X_Request_Id="of-a-refusal")

    assert the_problem(answer, answer.status)["request_id"] == "of-a-refusal"


def test_a_health_check_has_a_request_id_and_a_version_too(service: RunningService):
    for path in ("/livez", "/readyz", "/openapi.json"):
        answer = service.client().send("GET", path, X_Request_Id="of-a-check")

        assert answer.headers["x-request-id"] == "of-a-check", path
        assert answer.headers["ontem-version"] == "2026-11-26", path


def test_what_is_not_http_gets_a_request_id_of_our_own(service: RunningService):
    with raw_client(service) as client:
        client.send(b"GET /livez HTTP/9.9\r\nX-Request-Id: of-no-request\r\n\r\n")
        problem = the_problem(client.answer(), 400)

    assert problem["code"] == "malformed_request"
    assert len(problem["request_id"]) == 32


def test_two_request_ids_are_none(service: RunningService):
    content = b"GET /livez HTTP/1.1\r\nX-Request-Id: of-a-check\r\nX-Request-Id: of-another\r\n\r\n"
    with raw_client(service) as client:
        client.send(content)

        assert len(client.answer().headers["x-request-id"]) == 32


def test_the_version_of_the_interface_may_be_sent(shop: Shop):
    answer = shop.evaluate(an_order(), Ontem_Version="2026-11-26")

    assert (answer.status, answer.headers["ontem-version"]) == (200, "2026-11-26")


@pytest.mark.parametrize("sent", ["2026-11-25", "2", "52998224725"])
def test_another_version_is_refused_and_nothing_stored(shop: Shop, sent: str):
    problem = the_problem(shop.evaluate(an_order(), Ontem_Version=sent), 400)

    assert problem["code"] == "version_unknown"
    assert problem["detail"] == "Ontem-Version must be 2026-11-26, or be left out"
    assert shop.stored("1", "o-1") == []


@pytest.mark.parametrize("key", ["8e03978e-40d5-43dd-bc93-6894a57f9324", '"quoted"', "a" * 255])
def test_an_idempotency_key_changes_nothing_for_an_evaluation(shop: Shop, key: str):
    first = shop.evaluate(an_order(), Idempotency_Key=key)
    other = shop.evaluate(an_order(order_id="o-2"), Idempotency_Key=key)

    assert (first.status, other.status) == (200, 200)
    assert other.body["order_id"] == "o-2"


@pytest.mark.parametrize("key", [" ", "a" * 256, "a\tb", "a b", "a,b", "chave-\xe7"])
def test_an_idempotency_key_of_another_form_is_a_400(shop: Shop, key: str):
    problem = the_problem(shop.evaluate(an_order(), Idempotency_Key=key), 400)

    assert problem["code"] == "idempotency_key_refused"
    assert shop.stored("1", "o-1") == []


def test_an_idempotency_key_of_control_characters_is_not_http(shop: Shop):
    problem = the_problem(shop.evaluate(an_order(), Idempotency_Key="a\x01b"), 400)

    assert problem["code"] == "malformed_request"


def test_two_idempotency_keys_are_a_400(shop: Shop, service: RunningService):
    content = json.dumps(an_order()).encode()
    request = evaluation_of(content, shop.client.key, Idempotency_Key="first-key")
    request = request.replace(b"\r\n\r\n", b"\r\nIdempotency-Key: second-key\r\n\r\n", 1)
    with raw_client(service) as client:
        client.send(request)

        assert the_problem(client.answer(), 400)["code"] == "idempotency_key_refused"
