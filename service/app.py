"""The Flask application: which path does what."""

import time
from dataclasses import dataclass
from http import HTTPStatus
from importlib.resources import files
from typing import IO, Final

import msgspec
import psycopg
from flask import Flask, Response, g, request
from gunicorn.http.errors import ParseException  # type: ignore[import-untyped]

from features_pkg.orders.normalising import normalise_order
from features_pkg.orders.order import Item, Order
from service import body, errors, log
from service import clock as moments
from service import response as answer
from service.authentication import KeyRing
from service.body import OrderBody
from service.clock import CLOCK_HEADER, SteadyClock
from service.errors import BodyTooLarge, BodyUnreadable, MediaTypeRefused, StoreUnavailable
from service.evaluating import Evaluations, Outcome, Question
from service.health import Readiness
from service.recent import SINGLE
from stores.postgres.connection import PostgresUnavailable
from stores.postgres.merchants import Merchant

JSON: Final = "application/json"
MOST_DISCARDED: Final = 32 * 1_024 * 1_024


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the paths need; made once per process."""

    keys: KeyRing
    clock: SteadyClock
    evaluations: Evaluations
    readiness: Readiness
    development: bool


def create_app(parts: Parts) -> Flask:
    """The application of one process."""
    app = Flask("ontem", static_folder=None)
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    errors.register(app)
    specification = files("service").joinpath("openapi.json").read_bytes()

    @app.before_request
    def start() -> None:
        g.started = time.perf_counter()

    @app.after_request
    def tell(answered: Response) -> Response:
        _log(answered)
        return answered

    @app.post("/evaluate")
    def evaluate() -> Response:
        return _evaluate(parts)

    @app.get("/livez")
    def livez() -> Response:
        return Response(b'{"live":true}', content_type=JSON)

    @app.get("/readyz")
    def readyz() -> Response:
        health = parts.readiness.check()
        status = HTTPStatus.OK if health.ready else HTTPStatus.SERVICE_UNAVAILABLE
        return Response(msgspec.json.encode(health), status=status, content_type=JSON)

    @app.get("/openapi.json")
    def openapi() -> Response:
        return Response(specification, content_type=JSON)

    return app


def _evaluate(parts: Parts) -> Response:
    sent = body.parse(_content())
    merchant = _merchant(parts)
    order = _canonical(sent)
    stated = request.headers.get(CLOCK_HEADER)
    if stated is None:
        at_us = parts.clock.now_us()
    else:
        at_us = moments.from_header(stated, development=parts.development)
    question = Question(merchant, order, at_us, development=stated is not None)
    outcome = parts.evaluations.evaluate(question)
    g.told = _told(merchant, outcome)
    return _response(outcome)


def _content() -> bytes:
    """The request's body, if it is declared as plain UTF-8 JSON, of at most MAX_BYTES."""
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    if request.mimetype != JSON or charset not in ("utf-8", "utf8"):
        raise MediaTypeRefused
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise MediaTypeRefused
    try:
        content = request.stream.read(body.MAX_BYTES + 1)
        if len(content) <= body.MAX_BYTES:
            return content
        _discard(request.stream)
    except ParseException:
        raise BodyUnreadable("the body is not chunked as HTTP says") from None
    raise BodyTooLarge(body.MAX_BYTES)


def _discard(stream: IO[bytes]) -> None:
    """Take what a client is still sending, so that it reads the refusal and not a broken pipe."""
    left = MOST_DISCARDED
    while left > 0 and (part := stream.read(body.MAX_BYTES)):
        left -= len(part)


def _merchant(parts: Parts) -> Merchant:
    try:
        return parts.keys.merchant(request.headers.get("Authorization"), time.monotonic())
    except (psycopg.Error, PostgresUnavailable) as cause:
        raise StoreUnavailable from cause


def _canonical(sent: OrderBody) -> Order:
    return normalise_order(
        sent.order_id,
        sent.amount_cents,
        {name: getattr(sent, name) for name in SINGLE},
        sent.placed_at,
        [Item(item.product, item.quantity, item.amount_cents) for item in sent.items or ()],
    )


def _response(outcome: Outcome) -> Response:
    headers = {"Idempotent-Replayed": "true"} if outcome.replayed else None
    return Response(answer.encode(outcome.answer), content_type=JSON, headers=headers)


def _told(merchant: Merchant, outcome: Outcome) -> dict[str, object]:
    return {
        "merchant_id": merchant.merchant_id,
        "evaluation_id": str(outcome.answer.evaluation_id),
        "replayed": outcome.replayed,
        "missing": list(outcome.answer.missing),
        "failures": list(outcome.failures),
    }


def _log(answered: Response) -> None:
    """One line per request, but none for a probe that went well."""
    if request.endpoint != "evaluate" and answered.status_code == HTTPStatus.OK:
        return
    log.info(
        "answered",
        path=request.endpoint,
        status=answered.status_code,
        ms=round((time.perf_counter() - g.started) * 1000, 2),
        **g.get("told", {}),
    )
