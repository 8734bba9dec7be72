"""What the worker answers by itself, without a thread and without the application."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, TypeAlias

import msgspec
from gunicorn import SERVER, util
from gunicorn.http import errors as http_errors
from werkzeug.exceptions import HTTPException

from service.errors import RateLimited, ServiceError
from service.problems import MALFORMED, PROBLEM_JSON, Problem, problem, refusal_of
from service.request_headers import answer_headers
from service.worker.head import OtherServerAsked

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
    http_errors.InvalidHeaderName: (
        HTTPStatus.BAD_REQUEST,
        "a header's name is refused: write it in letters, digits and hyphens, without underscore",
    ),
    OtherServerAsked: (
        HTTPStatus.BAD_REQUEST,
        "the request line names a server, as for a proxy: send the path alone",
    ),
    http_errors.ParseException: (
        HTTPStatus.BAD_REQUEST,
        "the request is not as HTTP defines it: send it with an HTTP client",
    ),
}
"""The status and the sentence for an error, by its class or else its nearest base class here."""

Refused: TypeAlias = ServiceError | HTTPException | Exception
"""A refusal by the service, an unknown path or method, or gunicorn's ParseException."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refused request, as its client and the log get it."""

    problem: Problem
    headers: dict[str, str]
    name: str
    """What the log calls it."""
    merchant_id: int | None = None
    """The merchant that asks too much, where that is why."""

    @classmethod
    def of(cls, error: Refused, request_id: str) -> "Refusal":
        """The refusal for an error."""
        name = type(error).__name__
        if isinstance(error, ServiceError | HTTPException):
            merchant_id = error.merchant_id if isinstance(error, RateLimited) else None
            return cls(*refusal_of(error, request_id), name, merchant_id)
        bases = type(error).__mro__
        status, detail = next(_NOT_HTTP[base] for base in bases if base in _NOT_HTTP)
        return cls(problem(status, MALFORMED, detail, request_id), {}, name)

    def answer(self, *, close: bool, without_body: bool = False) -> bytes:
        """The whole HTTP answer."""
        return whole_answer(
            HTTPStatus(self.problem.status),
            {
                "Content-Type": PROBLEM_JSON,
                **self.headers,
                **answer_headers(self.problem.request_id),
            },
            msgspec.json.encode(self.problem),
            close=close,
            without_body=without_body,
        )


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


CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
