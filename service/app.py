"""The Flask application: which path does what."""

import time
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from typing import Final

import msgspec
import psycopg
from flask import Flask, Response, g, request

from features_pkg.calendar import to_us
from features_pkg.orders.order import Order
from service import (
    batch,
    body,
    chargebacks,
    clock,
    evaluation_answer,
    log,
    problems,
    request_content,
    request_headers,
    stored_evaluations,
)
from service.authentication import KeyRing
from service.clock import CLOCK_HEADER, RequestClock
from service.database import Database
from service.deadline import Deadline
from service.evaluating import READ_SHARE, EvaluationRequest, Evaluations, Outcome
from service.explaining import paths as explaining_paths
from service.head_checks import WITHOUT_KEY
from service.health import LIVE, ProcessChecks
from service.merchant_request import merchant_of
from service.metrics import metering
from service.metrics.gauges import Store
from service.metrics.page import CONTENT_TYPE, Page
from service.online import OnlineStore
from service.openapi import paths as openapi_paths
from service.received import received_at
from service.request_content import JSON
from service.request_headers import IDEMPOTENCY_HEADER, REQUEST_ID_HEADER, VERSION_HEADER
from service.served_model import ServedModel
from service.session import Session
from service.shared_status import SharedChecks
from stores.postgres.clock import database_clock
from stores.postgres.connection import PostgresUnavailable
from stores.postgres.merchants import Merchant

EXTENSION: Final = "ontem"
"""The name by which an application has its `Dependencies`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependencies:
    """What the paths call; made once per process. A `Flask` of ours has it as its extension."""

    time_limit: timedelta
    """How long a request may take; a merchant's policy may lower it."""
    database: Database
    online: OnlineStore
    keys: KeyRing
    clock: RequestClock
    evaluations: Evaluations
    served_model: ServedModel
    """What is served; explanations ask it."""
    process_checks: ProcessChecks
    shared_checks: SharedChecks
    card_key: bytes = field(repr=False)
    """The secret of the fingerprint that replaces a card's number."""
    development: bool
    """Whether a request may bring its own clock."""

    @property
    def stores(self) -> dict[str, Store]:
        """The stores by name, as requests reach them."""
        return {"postgresql": self.database, "redis": self.online}

    def start(self) -> None:
        """Begin to connect; called in the process that answers requests."""
        self.database.start()
        self.online.start()

    def settle(self, seconds: float) -> None:
        """Wait until the stores are connected to, or can't be, but at most so long."""
        give_up = time.monotonic() + seconds
        self.database.settle(give_up)
        self.online.settle(give_up)

    def close(self) -> None:
        """Close all connections of requests."""
        self.database.close()
        self.online.close()


def create_app(dependencies: Dependencies) -> Flask:
    """The application of one process."""
    app = Flask("ontem", static_folder=None)
    app.extensions[EXTENSION] = dependencies
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    problems.register(app)
    openapi_paths.register(app)
    for paths in (stored_evaluations, batch, chargebacks):
        paths.register(app, dependencies)
    explaining_paths.register(app, dependencies)

    @app.before_request
    def start_stopwatch() -> None:
        g.started = time.perf_counter()
        g.request_id = _request_id()
        log.request_id.set(g.request_id)

    @app.after_request
    def log_response(response: Response) -> Response:
        response.headers.update(request_headers.answer_headers(g.request_id))
        _log(response)
        return response

    @app.post("/evaluate")
    def evaluate() -> Response:
        return _evaluate(dependencies)

    @app.get("/livez")
    def livez() -> Response:
        return Response(LIVE, content_type=JSON)

    @app.get("/readyz")
    def readyz() -> Response:
        readiness = dependencies.process_checks.readiness()
        status = HTTPStatus.OK if readiness.ready else HTTPStatus.SERVICE_UNAVAILABLE
        return Response(msgspec.json.encode(readiness), status=status, content_type=JSON)

    @app.get("/statusz")
    def statusz() -> Response:
        status = dependencies.shared_checks.status()
        return Response(msgspec.json.encode(status), content_type=JSON)

    @app.get("/metrics")
    def metrics() -> Response:
        page = Page(dependencies.shared_checks.status, dependencies.process_checks.clock_skew_us)
        return Response(page.text(), content_type=CONTENT_TYPE)

    return app


def _evaluate(dependencies: Dependencies) -> Response:
    """Check and parse the request, evaluate its order, answer."""
    received = received_at(request.environ)
    metering.waited(received)
    deadline = Deadline.after(received, dependencies.time_limit)
    request_headers.check_version(request.headers.get(VERSION_HEADER))
    request_headers.check_idempotency_key(request.headers.get(IDEMPOTENCY_HEADER))
    with metering.stage("body"):
        order = body.parse(request_content.read(request), dependencies.card_key)
    with dependencies.database.session() as session:
        with metering.stage("key"):
            merchant = merchant_of(dependencies, session, deadline)
        deadline = deadline.lowered(merchant.policy.deadline_ms)
        evaluation_request = _evaluation_request(dependencies, merchant, order, session, deadline)
        outcome = dependencies.evaluations.evaluate(session, evaluation_request, deadline)
    metering.evaluated(outcome)
    g.log_fields = _log_fields(merchant, outcome)
    return _response(outcome)


def _request_id() -> str:
    """The id that the server gave the request, or its client, or a new one."""
    given = request.environ.get(request_headers.REQUEST_ID)
    return given or request_headers.request_id(request.headers.get(REQUEST_ID_HEADER))


def _evaluation_request(
    dependencies: Dependencies,
    merchant: Merchant,
    order: Order,
    session: Session,
    deadline: Deadline,
) -> EvaluationRequest:
    """The order, and the instant to evaluate it at, which is taken last."""
    header = request.headers.get(CLOCK_HEADER)
    if header is None:
        at_us = dependencies.clock.now_us(lambda: _database_us(session, deadline.part(READ_SHARE)))
    else:
        at_us = clock.from_header(header, development=dependencies.development)
    return EvaluationRequest(merchant, order, at_us, has_own_clock=header is not None)


def _database_us(session: Session, deadline: Deadline) -> int | None:
    """The database's clock, None when it does not answer in time."""
    try:
        return session.call(lambda connection: to_us(database_clock(connection)), deadline)
    except (psycopg.Error, PostgresUnavailable):
        return None


def _response(outcome: Outcome) -> Response:
    headers = {"Idempotent-Replayed": "true"} if outcome.replayed else None
    content = evaluation_answer.encode(outcome.answer)
    return Response(content, content_type=JSON, headers=headers)


def _log_fields(merchant: Merchant, outcome: Outcome) -> dict[str, object]:
    return {
        "merchant_id": merchant.merchant_id,
        "evaluation_id": str(outcome.answer.evaluation_id),
        "replayed": outcome.replayed,
        "recorded": outcome.answer.recorded,
        "missing": list(outcome.answer.missing),
        "failures": list(outcome.failures),
    }


def _log(response: Response) -> None:
    """Write one line per request, but none for a health check that went well."""
    metering.answered(request.endpoint, response.status_code, received_at(request.environ))
    if request.endpoint in WITHOUT_KEY and response.status_code == HTTPStatus.OK:
        return
    log.info(
        "answered",
        path=request.endpoint,
        status=response.status_code,
        ms=round((time.perf_counter() - g.started) * 1000, 2),
        **g.get("log_fields", {}),
    )
