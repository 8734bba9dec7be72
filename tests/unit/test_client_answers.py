"""What the client makes of each answer, and what it refuses to send."""

import json
import pickle
import traceback
from typing import Any

import pytest

from ontem_client import (
    AnswerUnreadable,
    Client,
    OntemError,
    Order,
    RateLimited,
    Refused,
    Unavailable,
)
from tests.unit.odd_answers import (
    EVALUATION,
    GOOD,
    KEY,
    LIMITED,
    ORDER,
    OVERLOADED,
    a_client,
    problem,
)
from tests.unit.odd_server import answer, odd_server, reset, send, send_endlessly


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (problem("503 Service Unavailable", "overloaded", Retry_After="60"), Unavailable),
        (problem("429 Too Many Requests", "rate_limited", Retry_After="60"), RateLimited),
        (problem("503 Service Unavailable", "store_unavailable"), Unavailable),
        (problem("500 Internal Server Error", "internal_error"), Unavailable),
        (answer(b"<h1>", "502 Bad Gateway", "text/html"), Unavailable),
        (answer(b"{", "502 Bad Gateway", "application/problem+json"), Unavailable),
        (problem("408 Request Timeout", "request_late"), Unavailable),
        (problem("422 Unprocessable Entity", "field_refused"), Refused),
        (answer(b"", "302 Found", Location="http://127.0.0.1:1/"), AnswerUnreadable),
        (answer(b"", "204 No Content"), AnswerUnreadable),
        (answer(b"<html>", kind="text/html"), AnswerUnreadable),
        (answer(json.dumps(EVALUATION).encode(), kind="text/html"), AnswerUnreadable),
        (answer(b"{"), AnswerUnreadable),
        (answer(b"\xff"), AnswerUnreadable),
        (answer(b"[" * 100_000), AnswerUnreadable),
        (answer(b"{}"), AnswerUnreadable),
        (answer(json.dumps({**EVALUATION, "score": "high"}).encode()), AnswerUnreadable),
        (answer(json.dumps({**EVALUATION, "decision": "ask"}).encode()), AnswerUnreadable),
        (answer(json.dumps({**EVALUATION, "order_id": "o-2"}).encode()), AnswerUnreadable),
        (b"220 mail.example ESMTP\r\n", AnswerUnreadable),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 999999999999\r\n\r\n", AnswerUnreadable),
    ],
    ids=lambda value: value.decode("latin-1").partition("\r\n\r\n")[2][:40]
    if isinstance(value, bytes) else "",
)  # fmt: skip
def test_any_other_answer_is_final_and_an_error_of_its_kind(content, kind):
    with odd_server(send(content)) as server, pytest.raises(OntemError) as error:
        a_client(server).evaluate(ORDER)

    assert type(error.value) is kind
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        ("Content-Type: application/json\r\n\r\n", b" " * 65_536),
        ("Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b" " * 65_536 + b"\r\n"),
        ("A: ", b"a" * 65_536),
    ],
    ids=["until it is closed", "in chunks", "in a header"],
)
def test_an_answer_without_an_end_is_not_read_to_its_end(head, piece):
    odd = send_endlessly(f"HTTP/1.1 200 OK\r\n{head}".encode(), piece)
    with odd_server(odd) as server, pytest.raises(AnswerUnreadable):
        a_client(server).evaluate(ORDER)


@pytest.mark.parametrize("odd", [reset, send(OVERLOADED), send(answer(b"{}"))],
                         ids=["reset", "503", "unreadable"])  # fmt: skip
def test_no_error_shows_the_key_or_what_was_sent_even_with_the_local_variables(odd):
    with odd_server(odd) as server:
        client = a_client(server)
        with pytest.raises(OntemError) as error:
            client.evaluate(ORDER)
    shown = _with_local_variables(error.value)

    assert "s3cret" not in shown + repr(client) + repr(vars(client))
    assert "52998224725" not in str(error.value)
    assert "During handling" not in shown
    assert "above exception" not in shown


@pytest.mark.parametrize(
    "mistake",
    [
        lambda client: client.store_orders([ORDER], idempotency_key="a,b"),
        lambda client: client.evaluate(Order(order_id="o", amount_cents=1, user="\ud800")),
        lambda client: client.evaluate(ORDER, request_id="1"),
        lambda client: client.evaluate(ORDER, deadline=0),
        lambda client: client.evaluation("not an id"),
        lambda _: Client("ontem.example", KEY),
        lambda _: Client("https://ontem.example", f"{KEY}\n"),
    ],
    ids=["idempotency key", "value", "request id", "deadline", "evaluation id", "url", "key"],
)
def test_what_a_program_gets_wrong_does_not_show_the_key_either(mistake):
    with pytest.raises((ValueError, Refused)) as error:
        mistake(Client("https://ontem.example", KEY))
    shown = _with_local_variables(error.value)

    assert "s3cret" not in shown


def _with_local_variables(error: BaseException) -> str:
    found = traceback.TracebackException.from_exception(error, capture_locals=True)
    return "".join(found.format())


def test_an_error_stays_itself_on_its_way_between_processes():
    with odd_server(send(LIMITED)) as server, pytest.raises(RateLimited) as error:
        a_client(server).evaluate(ORDER)
    again = pickle.loads(pickle.dumps(error.value))  # noqa: S301  our own bytes

    assert (type(again), vars(again), str(again)) == (
        RateLimited,
        vars(error.value),
        str(error.value),
    )


def test_a_value_that_is_not_json_is_refused_before_anything_is_sent():
    with odd_server(send(GOOD)) as server:
        for odd in ("\ud800", object()):
            with pytest.raises(Refused, match="can't be written as JSON"):
                a_client(server).evaluate(Order(order_id="o", amount_cents=1, user=odd))  # type: ignore[arg-type]
    assert server.requests == []


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://ontem.example", "would send the API key in the clear"),
        ("ftp://ontem.example", "must be like https"),
        ("ontem.example", "must be like https"),
        ("https://", "must be like https"),
        ("https://user:word@ontem.example", "must have no user"),
        ("https://ontem.example/?a=b", "must have no user"),
        ("https://ontem.example/a\r\nX: y", "must"),
        ("https://ontem.example:99999", "can't be read"),
        ("https://[::1", "can't be read"),
        ("https://api..example", "must be like https"),
        (f"https://{'a' * 64}.example", "must be like https"),
    ],
)
def test_an_address_that_can_t_be_right_is_refused_at_once(url: str, reason: str):
    with pytest.raises(ValueError, match=reason):
        Client(url, KEY)


@pytest.mark.parametrize("deadline", [0, -1, float("nan"), float("inf"), 1e7, "1"])
def test_a_deadline_that_is_none_is_refused_at_once(deadline: Any):
    with pytest.raises(ValueError, match="a number of seconds above 0"):
        Client("https://ontem.example", KEY, deadline=deadline)
    with pytest.raises(ValueError, match="a number of seconds above 0"):
        Client("https://ontem.example", KEY).evaluate(ORDER, deadline=deadline)


@pytest.mark.parametrize("key", ["", "a b", "ontem_a\r\nX: y", "chave-é", None])
def test_a_key_that_would_be_another_header_is_refused_and_not_repeated(key: Any):
    with pytest.raises(ValueError, match="this is not an API key") as error:
        Client("https://ontem.example", key)
    assert not key or key not in str(error.value)


def test_ids_that_the_service_would_not_take_are_refused_at_once():
    client = Client("https://ontem.example", KEY)
    for odd in ("12345678901", ""):
        with pytest.raises(ValueError, match="a request id"):
            client.evaluate(ORDER, request_id=odd)
    for odd in ("a,b", ""):
        with pytest.raises(ValueError, match="an idempotency key"):
            client.store_orders([ORDER], idempotency_key=odd)
        with pytest.raises(ValueError, match="an idempotency key"):
            client.report_chargeback("o", idempotency_key=odd)
    for odd in ("é", "1\r\nX: y", "1/explain", 1):
        with pytest.raises(ValueError, match="an evaluation id"):
            client.evaluation(odd)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="an evaluation id"):
            client.explain(odd)  # type: ignore[arg-type]


def test_an_evaluation_is_found_by_its_id_as_text_too():
    with odd_server(send(GOOD)) as server:
        found = a_client(server).evaluation(EVALUATION["evaluation_id"].upper())

    assert str(found.evaluation_id) == EVALUATION["evaluation_id"]
    assert f"/evaluations/{EVALUATION['evaluation_id']} ".encode() in server.requests[0]
