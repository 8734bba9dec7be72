"""Problems and answers byte for byte, as merchants' programs read them."""

import json
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest
from gunicorn.http import errors as http_errors
from werkzeug.exceptions import MethodNotAllowed, NotFound

from service import errors, evaluation_answer
from service.evaluation_answer import EvaluationAnswer
from service.order_outcome import OrderOutcome
from service.problems import PROBLEMS, bug_problem, refusal_of
from service.worker.refusals import Refusal
from tests.unit.golden_files import is_golden

REFUSED_ORDER = OrderOutcome(
    position=1,
    order_id="o-2",
    state="refused",
    code="field_refused",
    param="orders[1].amount_cents",
    detail="is missing",
)
REFUSALS = [
    errors.BodyUnreadable("the body is not UTF-8 from byte 0 on"),
    errors.FieldRefused("items[0].quantity", "must be a whole number from 1 to 1000000"),
    errors.BodyTooLarge(65_536),
    errors.LengthRequired(),
    errors.RequestLate(5.0),
    errors.Overloaded(),
    errors.RateLimited(7, 100, 2),
    errors.MediaTypeRefused(),
    errors.VersionRefused("2026-11-26"),
    errors.IdempotencyKeyRefused(),
    errors.KeyRefused(),
    errors.ClockHeaderRefused("Ontem-Clock must be an instant with its offset"),
    errors.OrderConflict(),
    errors.EvaluationNotFound(),
    errors.IdempotencyKeyReused(),
    errors.BatchRefused([REFUSED_ORDER], 2),
    errors.StoreUnavailable(),
    errors.ModelOutdated(),
]
OF_HTTP = [
    http_errors.LimitRequestLine(2_000, 1_024),
    http_errors.LimitRequestHeaders("too many"),
    http_errors.UnsupportedTransferCoding("br"),
    http_errors.ExpectationFailed("52998224725"),
    http_errors.ForbiddenProxyRequest("127.0.0.1"),
    http_errors.InvalidHeader("52998224725"),
    http_errors.InvalidHeaderName("52998224725"),
]


def lines(values: list[Any]) -> str:
    return "".join(json.dumps(value) + "\n" for value in values)


def test_every_problem_is_the_golden_one():
    assert {type(error) for error in REFUSALS} == set(PROBLEMS)
    bodies = [
        refusal_of(error, "an-id")
        for error in [*REFUSALS, NotFound(), MethodNotAllowed(valid_methods=["POST"])]
    ]
    bug = bug_problem(ValueError("52998224725"), "an-id"), {}

    content = lines([[headers, msgspec.to_builtins(body)] for body, headers in [*bodies, bug]])
    assert is_golden("problems.jsonl", content)


@pytest.mark.parametrize("error", OF_HTTP, ids=lambda error: type(error).__name__)
def test_what_is_not_http_is_a_problem_of_one_code(error: Exception):
    head, _, content = Refusal.of(error, "an-id").answer(close=True).partition(b"\r\n\r\n")
    body = json.loads(content)

    assert b"X-Request-Id: an-id\r\n" in head
    assert (body["code"], body["request_id"]) == ("malformed_request", "an-id")
    assert b"52998224725" not in content


def test_an_answer_is_the_golden_one():
    answer = EvaluationAnswer(
        evaluation_id=UUID(int=1),
        order_id="1001",
        score=0.25,
        decision="allow",
        model="a-model",
        feature_set="1-abc",
        as_of=date(2018, 6, 1),
        stale=False,
        degraded=False,
        missing=("distant:card",),
        card_replaced=False,
        evaluated_at=datetime(2018, 6, 1, 15, 0, 0, 123456, UTC),
        recorded=True,
    )

    assert is_golden("evaluation.json", evaluation_answer.encode(answer).decode())
