"""How the service's refusals look over HTTP (RFC 9457), in one table."""

from http import HTTPStatus
from typing import Annotated, Final

import msgspec
from flask import Flask, Response, g
from werkzeug.exceptions import HTTPException

from service import errors, log
from service.described import described
from service.errors import FieldRefused, ServiceError
from service.metrics import metering
from service.order_outcome import OrderOutcome

PROBLEM_JSON: Final = "application/problem+json"
TYPE_PREFIX: Final = "urn:ontem:problem:"
"""What stands before the code in a problem's `type`."""

BUG_DETAIL: Final = "Ontem failed; its log has the place. You may send the same request again."

PROBLEMS: Final[dict[type[ServiceError], tuple[HTTPStatus, str]]] = {
    errors.BodyUnreadable: (HTTPStatus.BAD_REQUEST, "body_unreadable"),
    errors.ClockHeaderRefused: (HTTPStatus.BAD_REQUEST, "clock_refused"),
    errors.VersionRefused: (HTTPStatus.BAD_REQUEST, "version_unknown"),
    errors.IdempotencyKeyRefused: (HTTPStatus.BAD_REQUEST, "idempotency_key_refused"),
    errors.KeyRefused: (HTTPStatus.UNAUTHORIZED, "key_refused"),
    errors.EvaluationNotFound: (HTTPStatus.NOT_FOUND, "evaluation_not_found"),
    errors.RequestLate: (HTTPStatus.REQUEST_TIMEOUT, "request_late"),
    errors.OrderConflict: (HTTPStatus.CONFLICT, "order_conflict"),
    errors.LengthRequired: (HTTPStatus.LENGTH_REQUIRED, "length_required"),
    errors.BodyTooLarge: (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body_too_large"),
    errors.MediaTypeRefused: (HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "media_type_refused"),
    FieldRefused: (HTTPStatus.UNPROCESSABLE_ENTITY, "field_refused"),
    errors.BatchRefused: (HTTPStatus.UNPROCESSABLE_ENTITY, "batch_refused"),
    errors.IdempotencyKeyReused: (HTTPStatus.UNPROCESSABLE_ENTITY, "idempotency_key_reused"),
    errors.RateLimited: (HTTPStatus.TOO_MANY_REQUESTS, "rate_limited"),
    errors.StoreUnavailable: (HTTPStatus.SERVICE_UNAVAILABLE, "store_unavailable"),
    errors.Overloaded: (HTTPStatus.SERVICE_UNAVAILABLE, "overloaded"),
    errors.ModelOutdated: (HTTPStatus.SERVICE_UNAVAILABLE, "model_outdated"),
}
"""The status and the code of each refusal."""

HTTP_CODES: Final = {
    HTTPStatus.NOT_FOUND: "not_found",
    HTTPStatus.METHOD_NOT_ALLOWED: "method_not_allowed",
    HTTPStatus.INTERNAL_SERVER_ERROR: "internal_error",
}
"""The code of each error that Flask finds by itself; all others are `malformed_request`."""

_HTTP_DETAILS: Final = {
    HTTPStatus.NOT_FOUND: "there is no such path: `GET /openapi.json` lists those that there are",
    HTTPStatus.METHOD_NOT_ALLOWED: "this path takes other methods: send one that `Allow` names",
}

MALFORMED: Final = "malformed_request"

_HEADERS: Final[dict[type[ServiceError], dict[str, str]]] = {
    errors.KeyRefused: {"WWW-Authenticate": "Bearer"},
    errors.StoreUnavailable: {"Retry-After": "1"},
    errors.Overloaded: {"Retry-After": "1"},
    errors.ModelOutdated: {"Retry-After": "1"},
}


class Problem(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The body of every answer that is not 2xx."""

    type: str
    title: str
    status: int
    code: Annotated[str, described("What programs decide by: it stays, `detail` may not.")]
    detail: str
    param: Annotated[
        str | None,
        described(
            "With status 422: the path of the field, such as `items[0].quantity`; empty for the "
            "body. Not there with another status."
        ),
    ] = None
    orders: Annotated[
        tuple[OrderOutcome, ...],
        described("With `batch_refused`: the orders that were refused. Not there otherwise."),
    ] = ()
    request_id: Annotated[str, described("The id that the service's log has of the request.")]


def problem(
    status: HTTPStatus, code: str, detail: str, request_id: str, param: str | None = None
) -> Problem:
    """A problem with its type and title."""
    return Problem(
        type=TYPE_PREFIX + code,
        title=status.phrase,
        status=status,
        code=code,
        detail=detail,
        param=param,
        request_id=request_id,
    )


def refusal_of(
    error: ServiceError | HTTPException, request_id: str
) -> tuple[Problem, dict[str, str]]:
    """The body and the headers of the answer to a refused request, an unknown path for one."""
    if isinstance(error, ServiceError):
        status, code = PROBLEMS[type(error)]
        param = error.param if isinstance(error, FieldRefused) else None
        body = problem(status, code, str(error), request_id, param)
        if isinstance(error, errors.BatchRefused):
            body = msgspec.structs.replace(body, param=error.orders[0].param, orders=error.orders)
        if isinstance(error, errors.RateLimited):
            return body, {"Retry-After": str(error.seconds)}
        return body, _HEADERS.get(type(error), {})
    status = HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
    allowed = getattr(error, "valid_methods", None)
    detail = _HTTP_DETAILS.get(status) or status.description or status.phrase
    body = problem(status, HTTP_CODES.get(status, MALFORMED), detail, request_id)
    return body, {"Allow": ", ".join(sorted(allowed))} if allowed else {}


def bug_problem(error: BaseException, request_id: str) -> Problem:
    """The body of the answer to a request that met a bug, which is logged.

    The traceback can quote a buyer's data, so only where it was raised is logged.
    """
    log.error("unexpected", error=type(error).__name__, code_line=_code_line(error))
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    metering.refused(HTTP_CODES[status])
    return problem(status, HTTP_CODES[status], BUG_DETAIL, request_id)


def problem_response(body: Problem, headers: dict[str, str] | None = None) -> Response:
    """`body` as an HTTP response."""
    return Response(
        msgspec.json.encode(body),
        status=body.status,
        content_type=PROBLEM_JSON,
        headers=headers,
    )


def register(app: Flask) -> None:
    """Answer every error of `app` as problem+json: refusals, unknown paths, and bugs."""

    @app.errorhandler(ServiceError)
    def answer_refusal(error: ServiceError) -> Response:
        if error.__cause__ is not None:
            cause = error.__cause__
            metering.not_stored(cause)
            log.error(
                "store failed",
                error=type(cause).__name__,
                sqlstate=getattr(cause, "sqlstate", None),
                code_line=_code_line(cause),
            )
        return _refusal_response(error)

    @app.errorhandler(HTTPException)
    def answer_http_error(error: HTTPException) -> Response:
        return _refusal_response(error)

    @app.errorhandler(Exception)
    def answer_bug(error: Exception) -> Response:
        return problem_response(bug_problem(error, g.request_id))


def _refusal_response(error: ServiceError | HTTPException) -> Response:
    body, headers = refusal_of(error, g.request_id)
    metering.refused(body.code)
    return problem_response(body, headers)


def _code_line(error: BaseException) -> str:
    """The innermost file and line of a traceback, without any value."""
    trace = error.__traceback__
    file_and_line = "nowhere"
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename.rpartition("/")[2]
        file_and_line = f"{file}:{trace.tb_lineno}"
        trace = trace.tb_next
    return file_and_line
