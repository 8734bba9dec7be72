"""What the worker answers by itself, without a thread and without the application."""

from http import HTTPStatus
from typing import Final, TypeAlias

import msgspec
from gunicorn import SERVER, util  # type: ignore[import-untyped]
from gunicorn.http import errors as http_errors  # type: ignore[import-untyped]
from werkzeug.exceptions import HTTPException

from service.errors import ServiceError
from service.problems import MALFORMED, PROBLEM_JSON, Problem, problem, refusal_of
from service.request_headers import answer_headers

_NOT_HTTP: Final[dict[type[Exception], tuple[HTTPStatus, str]]] = {
    http_errors.LimitRequestLine: (
        HTTPStatus.REQUEST_URI_TOO_LONG,
        "the request line is too long: send no parameters in the path",
    ),
    http_errors.LimitRequestHeaders: (
        HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
        "the headers are too many or too long: send those that docs/api.md names",
    ),
    http_errors.UnsupportedTransferCoding: (
        HTTPStatus.NOT_IMPLEMENTED,
        "the transfer coding is not supported: send Content-Length",
    ),
    http_errors.ExpectationFailed: (
        HTTPStatus.EXPECTATION_FAILED,
        "the expectation is not supported: send none, or 100-continue",
    ),
    http_errors.ForbiddenProxyRequest: (
        HTTPStatus.FORBIDDEN,
        "this address may not send for others: send plain HTTP",
    ),
    http_errors.ParseException: (
        HTTPStatus.BAD_REQUEST,
        "the request is not as HTTP defines it: send it with an HTTP client",
    ),
}
"""The status and the sentence for an error, by its class or else its nearest base class here."""

Refused: TypeAlias = ServiceError | HTTPException | Exception
"""A refusal by the service, an unknown path or method, or gunicorn's ParseException."""


def _problem(error: Refused, request_id: str) -> tuple[Problem, dict[str, str]]:
    """The body and the headers of the answer to a request that was refused."""
    if isinstance(error, ServiceError | HTTPException):
        return refusal_of(error, request_id)
    status, detail = next(_NOT_HTTP[base] for base in type(error).__mro__ if base in _NOT_HTTP)
    return problem(status, MALFORMED, detail, request_id), {}


def refusal(error: Refused, request_id: str, *, close: bool, without_body: bool = False) -> bytes:
    """The whole answer to a request that was refused."""
    body, headers = _problem(error, request_id)
    headers = {"Content-Type": PROBLEM_JSON, **headers, **answer_headers(request_id)}
    content = msgspec.json.encode(body)
    status = HTTPStatus(body.status)
    return whole_answer(status, headers, content, close=close, without_body=without_body)


def whole_answer(
    status: HTTPStatus,
    headers: dict[str, str],
    content: bytes,
    *,
    close: bool,
    without_body: bool = False,
) -> bytes:
    """An HTTP answer with the headers that gunicorn gives to those of the application."""
    lines = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        f"Server: {SERVER}",
        f"Date: {util.http_date()}",
        f"Connection: {'close' if close else 'keep-alive'}",
        *(f"{name}: {value}" for name, value in headers.items()),
        f"Content-Length: {len(content)}",
    ]
    head = "\r\n".join(lines).encode("ascii") + b"\r\n\r\n"
    return head if without_body else head + content


def status_and_name(error: Refused) -> tuple[int, str]:
    """What the log says of a refusal."""
    return _problem(error, "")[0].status, type(error).__name__


def code_of(error: Refused) -> str:
    """The code by which a refusal is counted."""
    return _problem(error, "")[0].code


CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
