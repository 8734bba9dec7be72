"""`POST /evaluate`: its request, read from the WSGI environment, and its answer."""

from dataclasses import dataclass
from typing import Any, Final, Protocol

import psycopg

from features_pkg.calendar import to_us
from features_pkg.orders.order import Order
from service import body, clock, evaluation_answer, request_content, request_headers
from service.clock import CLOCK_HEADER, RequestClock
from service.deadline import Deadline
from service.evaluating import READ_SHARE, EvaluationRequest, Evaluations, Outcome
from service.merchant_request import Needs, merchant_of
from service.metrics import metering
from service.received import received_at
from service.request_headers import (
    IDEMPOTENCY_HEADER,
    VERSION_HEADER,
    environ_key,
)
from service.session import Session
from stores.postgres.clock import database_clock
from stores.postgres.connection import PostgresUnavailable
from stores.postgres.merchants import Merchant

EVALUATE: Final = "/evaluate"

_VERSION: Final = environ_key(VERSION_HEADER)
_IDEMPOTENCY: Final = environ_key(IDEMPOTENCY_HEADER)
_CLOCK: Final = environ_key(CLOCK_HEADER)


class EvaluateNeeds(Needs, Protocol):
    """What evaluations need of their process."""

    @property
    def clock(self) -> RequestClock:
        """The instants of requests."""

    @property
    def evaluations(self) -> Evaluations:
        """Evaluates orders."""


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What an evaluation is answered with, and what the log says of it."""

    content: bytes
    headers: dict[str, str]
    log_fields: dict[str, object]


def evaluate(needs: EvaluateNeeds, environ: dict[str, Any]) -> Evaluated:
    """Check and parse a request, and evaluate its order. Raises ServiceError."""
    received = received_at(environ)
    metering.waited(received)
    deadline = Deadline.after(received, needs.time_limit)
    request_headers.check_version(environ.get(_VERSION))
    request_headers.check_idempotency_key(environ.get(_IDEMPOTENCY))
    with metering.stage("body"):
        order = body.parse(request_content.read(environ), needs.card_key)
    with needs.database.session() as session:
        with metering.stage("key"):
            merchant = merchant_of(needs, environ, session, deadline)
        deadline = deadline.lowered(merchant.policy.deadline_ms)
        request = _request(needs, environ, merchant, order, session, deadline)
        outcome = needs.evaluations.evaluate(session, request, deadline)
    metering.evaluated(outcome)
    return Evaluated(
        evaluation_answer.encode(outcome.answer),
        {"Idempotent-Replayed": "true"} if outcome.replayed else {},
        _log_fields(merchant, outcome),
    )


def _request(
    needs: EvaluateNeeds,
    environ: dict[str, Any],
    merchant: Merchant,
    order: Order,
    session: Session,
    deadline: Deadline,
) -> EvaluationRequest:
    """The order, and the instant to evaluate it at, which is taken last."""
    sent = environ.get(_CLOCK)
    if sent is None:
        at_us = needs.clock.now_us(lambda: _database_us(session, deadline.part(READ_SHARE)))
    else:
        at_us = clock.from_header(sent, development=needs.development)
    request_id = request_headers.id_in(environ)
    return EvaluationRequest(merchant, order, at_us, request_id, has_own_clock=sent is not None)


def _database_us(session: Session, deadline: Deadline) -> int | None:
    """The database's clock, None when it does not answer in time."""
    try:
        return session.call(lambda connection: to_us(database_clock(connection)), deadline)
    except (psycopg.Error, PostgresUnavailable):
        return None


def _log_fields(merchant: Merchant, outcome: Outcome) -> dict[str, object]:
    return {
        "merchant_id": merchant.merchant_id,
        "evaluation_id": str(outcome.answer.evaluation_id),
        "replayed": outcome.replayed,
        "recorded": outcome.answer.recorded,
        "missing": list(outcome.answer.missing),
        "failures": list(outcome.failures),
    }
