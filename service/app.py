"""The Flask application: which path does what."""

import time
from dataclasses import dataclass, field
from http import HTTPStatus
from importlib.resources import files

import msgspec
import psycopg
from flask import Flask, Response, g, request

from features_pkg.orders.order import Order
from service import body, clock, errors, evaluation_answer, log, request_content
from service.authentication import KeyRing
from service.clock import CLOCK_HEADER, RequestClock
from service.errors import StoreUnavailable
from service.evaluating import EvaluationRequest, Evaluations, Outcome
from service.health import LIVE, ProcessChecks
from service.request_content import JSON
from service.shared_status import SharedChecks
from stores.postgres.connection import PostgresUnavailable
from stores.postgres.merchants import Merchant


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependencies:
    """What the paths call; made once per process."""

    keys: KeyRing
    clock: RequestClock
    evaluations: Evaluations
    process_checks: ProcessChecks
    shared_checks: SharedChecks
    card_key: bytes = field(repr=False)
    """The secret of the fingerprint that replaces a card's number."""
    development: bool
    """Whether a request may bring its own clock."""


def create_app(dependencies: Dependencies) -> Flask:
    """The application of one process."""
    app = Flask("ontem", static_folder=None)
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    errors.register(app)
    specification = files("service").joinpath("openapi.json").read_bytes()

    @app.before_request
    def start_stopwatch() -> None:
        g.started = time.perf_counter()

    @app.after_request
    def log_response(response: Response) -> Response:
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

    @app.get("/openapi.json")
    def openapi() -> Response:
        return Response(specification, content_type=JSON)

    return app


def _evaluate(dependencies: Dependencies) -> Response:
    """Check and parse the request, evaluate its order, answer."""
    order = body.parse(request_content.read(request), dependencies.card_key)
    merchant = _merchant(dependencies)
    evaluation_request = _evaluation_request(dependencies, merchant, order)
    outcome = dependencies.evaluations.evaluate(evaluation_request)
    g.log_fields = _log_fields(merchant, outcome)
    return _response(outcome)


def _merchant(dependencies: Dependencies) -> Merchant:
    try:
        return dependencies.keys.merchant(request.headers.get("Authorization"), time.monotonic())
    except (psycopg.Error, PostgresUnavailable) as cause:
        raise StoreUnavailable from cause


def _evaluation_request(
    dependencies: Dependencies, merchant: Merchant, order: Order
) -> EvaluationRequest:
    """The order, and the instant to evaluate it at, which is taken last."""
    header = request.headers.get(CLOCK_HEADER)
    if header is None:
        at_us = dependencies.clock.now_us()
    else:
        at_us = clock.from_header(header, development=dependencies.development)
    return EvaluationRequest(merchant, order, at_us, has_own_clock=header is not None)


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
    if request.endpoint != "evaluate" and response.status_code == HTTPStatus.OK:
        return
    log.info(
        "answered",
        path=request.endpoint,
        status=response.status_code,
        ms=round((time.perf_counter() - g.started) * 1000, 2),
        **g.get("log_fields", {}),
    )
