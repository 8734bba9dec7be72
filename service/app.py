"""The Flask application: which path does what."""

import time
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from typing import Final

import msgspec
from flask import Flask, Response, g, request

from service import (
    answer_log,
    batch,
    chargebacks,
    evaluate_path,
    log,
    problems,
    request_headers,
    shortcut,
    stored_evaluations,
)
from service.authentication import KeyRing
from service.clock import RequestClock
from service.database import Database
from service.evaluate_path import EVALUATE
from service.evaluating import Evaluations
from service.explaining import paths as explaining_paths
from service.health import LIVE, ProcessChecks
from service.hot.keeper import HotEntities
from service.metrics.gauges import Store
from service.metrics.page import CONTENT_TYPE, Page
from service.online import OnlineStore
from service.openapi import paths as openapi_paths
from service.received import received_at
from service.request_content import JSON
from service.served_model import ServedModel
from service.shared_status import SharedChecks
from service.shortcut import Shortcut

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
    hot: HotEntities | None
    """The hot entities; None where all rows of every entity are read."""
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
        if self.hot is not None:
            self.hot.close()


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
    _register_operations(app, dependencies)

    app.wsgi_app = Shortcut(app.wsgi_app, dependencies)  # type: ignore[method-assign]

    @app.before_request
    def start_stopwatch() -> None:
        g.started = shortcut.started_at(request.environ)
        request_id = request_headers.id_in(request.environ)
        g.request_id = request.environ[request_headers.REQUEST_ID] = request_id
        log.request_id.set(g.request_id)

    @app.after_request
    def log_response(response: Response) -> Response:
        response.headers.update(request_headers.answer_headers(g.request_id))
        received, fields = received_at(request.environ), g.get("log_fields", {})
        answer_log.answered(request.endpoint, response.status_code, received, g.started, fields)
        return response

    @app.post(EVALUATE)
    def evaluate() -> Response:
        shortcut.raise_failure(request.environ)
        evaluated = evaluate_path.evaluate(dependencies, request.environ)
        g.log_fields = evaluated.log_fields
        return Response(evaluated.content, content_type=JSON, headers=evaluated.headers)

    return app


def _register_operations(app: Flask, dependencies: Dependencies) -> None:
    """Add the paths that tell how the service is; none needs a key."""

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
