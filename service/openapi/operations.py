"""What each path takes and answers, as the served document says it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

import msgspec

from features_pkg.orders.limits import LONGEST_ORDER_ID, TEXT_FORM
from service import batch_body, errors
from service.batch import BatchAnswer
from service.batch_body import BatchBody
from service.body import OrderBody
from service.chargebacks import ChargebackAnswer, ChargebackBody
from service.errors import ServiceError
from service.evaluation_answer import EvaluationAnswer
from service.explaining.explanation import Explanation
from service.health import Readiness
from service.request_content import MAX_BYTES
from service.shared_status import Status

OK: Final = HTTPStatus.OK

ASKED: Final[tuple[type[ServiceError], ...]] = (
    errors.VersionRefused,
    errors.KeyRefused,
    errors.RequestLate,
    errors.RateLimited,
    errors.StoreUnavailable,
    errors.Overloaded,
    errors.ModelOutdated,
    errors.ClockHeaderRefused,
)
"""What every path refuses that needs a key."""

SENT: Final[tuple[type[ServiceError], ...]] = (
    *ASKED,
    errors.BodyUnreadable,
    errors.IdempotencyKeyRefused,
    errors.LengthRequired,
    errors.BodyTooLarge,
    errors.MediaTypeRefused,
    errors.FieldRefused,
)
"""What every path refuses that takes a body."""


@dataclass(frozen=True, slots=True)
class Content:
    """What one answer is: a typed body, or another media type."""

    description: str
    body: type[msgspec.Struct] | None = None
    media_type: str = "application/json"
    headers: tuple[str, ...] = ()
    """The names of those beside the headers of every answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one path."""

    path: str
    method: str
    name: str
    summary: str
    description: str = ""
    body: type[msgspec.Struct] | None = None
    most_bytes: int = MAX_BYTES
    """How long the body may be."""
    parameters: tuple[Mapping[str, Any], ...] = ()
    """OpenAPI's own form of those of the path and the query."""
    needs_key: bool = True
    answers: Mapping[HTTPStatus, Content] = field(default_factory=dict)
    refuses: tuple[type[ServiceError], ...] = ()


_REPLAYED: Final = ("Idempotent-Replayed",)

EVALUATE: Final = Operation(
    path="/evaluate",
    method="post",
    name="evaluate",
    summary="Score an order and decide what to do with it",
    description=(
        "`order_id` makes an order the same: sent again with the same content it gets the stored "
        "answer byte for byte, with other content a 409. So `Idempotency-Key` changes nothing."
    ),
    body=OrderBody,
    answers={
        OK: Content(
            "The evaluation of this order, or the stored one if it was sent before.",
            EvaluationAnswer,
            headers=_REPLAYED,
        )
    },
    refuses=(*SENT, errors.OrderConflict),
)

_ORDER_ID: Final = {
    "name": "order_id",
    "in": "query",
    "required": True,
    "description": "The merchant's own id of the order, percent-encoded; no other parameter.",
    "schema": {
        "type": "string",
        "minLength": 1,
        "maxLength": LONGEST_ORDER_ID,
        "pattern": TEXT_FORM,
    },
}
_EVALUATION_ID: Final = {
    "name": "evaluation_id",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "format": "uuid"},
}

BULK: Final = (
    Operation(
        path="/orders/batch",
        method="post",
        name="store_orders",
        summary="Store orders that an outage kept from being stored",
        description=(
            "Each order counts from when it is stored, has no evaluation, and gets one if it is "
            "sent to `POST /evaluate` later. One that is stored with the same content is known."
        ),
        body=BatchBody,
        most_bytes=batch_body.MOST_BYTES,
        answers={OK: Content("What became of each order.", BatchAnswer, headers=_REPLAYED)},
        refuses=(*SENT, errors.BatchRefused, errors.IdempotencyKeyReused),
    ),
    Operation(
        path="/chargebacks",
        method="post",
        name="report_chargeback",
        summary="Report a chargeback, or that it was reversed",
        description=(
            "A report of an order that is not stored waits for it. Of several chargebacks of an "
            "order the first one counts; a reversal changes labels, never a feature. One that "
            "comes before its chargeback waits for it."
        ),
        body=ChargebackBody,
        answers={OK: Content("What became of it.", ChargebackAnswer, headers=_REPLAYED)},
        refuses=(*SENT, errors.IdempotencyKeyReused),
    ),
)

EVALUATIONS: Final = (
    Operation(
        path="/evaluations/{evaluation_id}",
        method="get",
        name="evaluation",
        summary="The stored answer with this id",
        parameters=(_EVALUATION_ID,),
        answers={OK: Content("As it was answered.", EvaluationAnswer)},
        refuses=(*ASKED, errors.EvaluationNotFound),
    ),
    Operation(
        path="/evaluations/{evaluation_id}/explain",
        method="get",
        name="explain",
        summary="The values of an evaluation, the orders behind them, and what moved its score",
        description=(
            "For people who look into one order; takes up to 5 s. Everything is as the evaluation "
            "could see it: what came later is left out."
        ),
        parameters=(_EVALUATION_ID,),
        answers={OK: Content("The explanation.", Explanation)},
        refuses=(*ASKED, errors.EvaluationNotFound),
    ),
    Operation(
        path="/evaluations",
        method="get",
        name="evaluation_of_order",
        summary="The stored answer of an order",
        parameters=(_ORDER_ID,),
        answers={OK: Content("As it was answered.", EvaluationAnswer)},
        refuses=(*ASKED, errors.FieldRefused, errors.EvaluationNotFound),
    ),
)

OPEN: Final = (
    Operation(
        path="/livez",
        method="get",
        name="livez",
        summary="Whether the process runs",
        needs_key=False,
        answers={OK: Content("It does.")},
    ),
    Operation(
        path="/readyz",
        method="get",
        name="readyz",
        summary="Whether this process should get orders",
        needs_key=False,
        answers={
            OK: Content("It should.", Readiness),
            HTTPStatus.SERVICE_UNAVAILABLE: Content(
                "It should not: another process may have right what this one has wrong.", Readiness
            ),
        },
        refuses=(errors.Overloaded,),
    ),
    Operation(
        path="/statusz",
        method="get",
        name="statusz",
        summary="The state of what all processes share, and what to do about it",
        needs_key=False,
        answers={OK: Content("Always, also when something is wrong.", Status)},
        refuses=(errors.Overloaded,),
    ),
    Operation(
        path="/metrics",
        method="get",
        name="metrics",
        summary="What all processes have counted, and are doing now",
        needs_key=False,
        answers={OK: Content("Prometheus' text format.", media_type="text/plain")},
        refuses=(errors.Overloaded,),
    ),
    Operation(
        path="/openapi.json",
        method="get",
        name="openapi",
        summary="This document",
        needs_key=False,
        answers={OK: Content("OpenAPI 3.1.")},
        refuses=(errors.Overloaded,),
    ),
    Operation(
        path="/docs",
        method="get",
        name="docs",
        summary="This document as a page",
        needs_key=False,
        answers={OK: Content("HTML that loads nothing else.", media_type="text/html")},
        refuses=(errors.Overloaded,),
    ),
)
"""What anybody may ask."""

OPERATIONS: Final[tuple[Operation, ...]] = (EVALUATE, *EVALUATIONS, *BULK, *OPEN)
