"""What the service refuses, and the one table of how that looks over HTTP (RFC 9457)."""

from http import HTTPStatus
from typing import Final

import msgspec
from flask import Flask, Response
from werkzeug.exceptions import HTTPException

from features_pkg.errors import OntemError
from service import log

PROBLEM_JSON: Final = "application/problem+json"

BUG_DETAIL: Final = "Ontem failed; its log has the place. You may send the same request again."


class ServiceError(OntemError):
    """Base of every refusal of a request; its text is for the client and repeats no sent value."""


class BodyUnreadable(ServiceError):
    """The body can't be read as JSON: broken, empty, nested too deep, or not UTF-8."""


class FieldRefused(ServiceError):
    """One field of the request is wrong; `param` is its path, such as `items[0].quantity`."""

    def __init__(self, param: str, detail: str) -> None:
        super().__init__(f"{param or 'the body'}: {detail}")
        self.param, self.detail = param, detail


class BodyTooLarge(ServiceError):
    """The body has more bytes than one order needs."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"the body has more than {limit} bytes: send one order per request")
        self.limit = limit


class LengthRequired(ServiceError):
    """The head of the request does not say how long its body is."""

    def __init__(self) -> None:
        super().__init__("send the length of the body as Content-Length, not in chunks")


class RequestLate(ServiceError):
    """The client took too long to send its request."""

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"head and body of a request must each arrive within {seconds:g} s: "
            "send the request again on a new connection"
        )
        self.seconds = seconds


class Overloaded(ServiceError):
    """As many requests wait as may wait."""

    def __init__(self) -> None:
        super().__init__("too many requests wait for an answer: send the same request again later")


class MediaTypeRefused(ServiceError):
    """The body is not declared as plain UTF-8 JSON."""

    def __init__(self) -> None:
        super().__init__("send one JSON object as Content-Type: application/json, in UTF-8")


class KeyRefused(ServiceError):
    """The request has no valid API key; the text does not say what is wrong with it."""

    def __init__(self) -> None:
        super().__init__("send a valid API key as Authorization: Bearer ontem_...")


class ClockHeaderRefused(ServiceError):
    """A development clock was sent that can't be used."""


class OrderConflict(ServiceError):
    """This merchant's order is stored with other content."""

    def __init__(self) -> None:
        super().__init__(
            "an order with this order_id is stored with other content: stored orders never change, "
            "so send the new one under another order_id"
        )


class StoreUnavailable(ServiceError):
    """The evaluation could not be stored, so it is not answered; the order may be sent again."""

    def __init__(self) -> None:
        super().__init__("the evaluation could not be stored: send the same order again")


class ModelOutdated(ServiceError):
    """The model of this process is older than one that has served, so it scores nothing."""

    def __init__(self) -> None:
        super().__init__(
            "this process has an older model than the service: send the same order again"
        )


class PastUnavailable(OntemError):
    """A part of an order's past could not be read; the order is answered without a score.

    `reason` names the part and the cause for the log, and never holds data.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"a part of the past is missing ({reason})")
        self.reason = reason


PROBLEMS: Final[dict[type[ServiceError], tuple[HTTPStatus, str]]] = {
    BodyUnreadable: (HTTPStatus.BAD_REQUEST, "body-unreadable"),
    FieldRefused: (HTTPStatus.UNPROCESSABLE_ENTITY, "field-refused"),
    LengthRequired: (HTTPStatus.LENGTH_REQUIRED, "length-required"),
    RequestLate: (HTTPStatus.REQUEST_TIMEOUT, "request-late"),
    BodyTooLarge: (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body-too-large"),
    MediaTypeRefused: (HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "media-type-refused"),
    KeyRefused: (HTTPStatus.UNAUTHORIZED, "key-refused"),
    ClockHeaderRefused: (HTTPStatus.BAD_REQUEST, "clock-refused"),
    OrderConflict: (HTTPStatus.CONFLICT, "order-conflict"),
    StoreUnavailable: (HTTPStatus.SERVICE_UNAVAILABLE, "store-unavailable"),
    Overloaded: (HTTPStatus.SERVICE_UNAVAILABLE, "overloaded"),
    ModelOutdated: (HTTPStatus.SERVICE_UNAVAILABLE, "model-outdated"),
}
"""The status of each refusal and the last part of its `type`, `urn:ontem:problem:<name>`."""

_HEADERS: Final[dict[type[ServiceError], dict[str, str]]] = {
    KeyRefused: {"WWW-Authenticate": "Bearer"},
    StoreUnavailable: {"Retry-After": "1"},
    Overloaded: {"Retry-After": "1"},
    ModelOutdated: {"Retry-After": "1"},
}


class FieldProblem(msgspec.Struct, frozen=True):
    """Which field is wrong, and what is wrong with it."""

    param: str
    detail: str


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """The body of every answer that is not 2xx."""

    type: str
    title: str
    status: int
    detail: str
    errors: tuple[FieldProblem, ...] = ()


def problem_of(error: ServiceError) -> Problem:
    """A refusal as the client gets it."""
    status, name = PROBLEMS[type(error)]
    fields: tuple[FieldProblem, ...] = ()
    if isinstance(error, FieldRefused):
        fields = (FieldProblem(error.param, error.detail),)
    return Problem(f"urn:ontem:problem:{name}", status.phrase, status, str(error), fields)


def refusal_of(error: ServiceError | HTTPException) -> tuple[Problem, dict[str, str]]:
    """The body and the headers of the answer to a refused request, an unknown path for one."""
    if isinstance(error, ServiceError):
        return problem_of(error), _HEADERS.get(type(error), {})
    status = HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
    allowed = getattr(error, "valid_methods", None)
    problem = Problem("about:blank", status.phrase, status, status.description or status.phrase)
    return problem, {"Allow": ", ".join(sorted(allowed))} if allowed else {}


def bug_problem(error: Exception) -> Problem:
    """The body of the answer to a request that met a bug, which is logged.

    The traceback can quote a buyer's data, so only where it was raised is logged.
    """
    log.error("unexpected", error=type(error).__name__, code_line=_code_line(error))
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    return Problem("about:blank", status.phrase, status, BUG_DETAIL)


def problem_response(problem: Problem, headers: dict[str, str] | None = None) -> Response:
    """`problem` as an HTTP response."""
    return Response(
        msgspec.json.encode(problem),
        status=problem.status,
        content_type=PROBLEM_JSON,
        headers=headers,
    )


def register(app: Flask) -> None:
    """Answer every error of `app` as problem+json: refusals, unknown paths, and bugs."""

    @app.errorhandler(ServiceError)
    def answer_refusal(error: ServiceError) -> Response:
        if error.__cause__ is not None:
            cause = error.__cause__
            log.error(
                "store failed",
                error=type(cause).__name__,
                sqlstate=getattr(cause, "sqlstate", None),
                code_line=_code_line(cause),
            )
        return problem_response(*refusal_of(error))

    @app.errorhandler(HTTPException)
    def answer_http_error(error: HTTPException) -> Response:
        return problem_response(*refusal_of(error))

    @app.errorhandler(Exception)
    def answer_bug(error: Exception) -> Response:
        return problem_response(bug_problem(error))


def _code_line(error: BaseException) -> str:
    """The innermost file and line of a traceback, without any value."""
    trace = error.__traceback__
    file_and_line = "nowhere"
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename.rpartition("/")[2]
        file_and_line = f"{file}:{trace.tb_lineno}"
        trace = trace.tb_next
    return file_and_line
