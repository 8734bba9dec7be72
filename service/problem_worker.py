"""gunicorn's worker, with refusals in the form that the service has for all of them."""

from http import HTTPStatus
from typing import Any, Final

import msgspec
from gunicorn import util  # type: ignore[import-untyped]
from gunicorn.http import errors as http_errors  # type: ignore[import-untyped]
from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]

from service import log
from service.errors import BUG_DETAIL, PROBLEM_JSON, Problem

_REFUSALS: Final[dict[type[Exception], tuple[HTTPStatus, str]]] = {
    http_errors.InvalidResponseHeader: (HTTPStatus.INTERNAL_SERVER_ERROR, ""),
    http_errors.InvalidResponseHeaderName: (HTTPStatus.INTERNAL_SERVER_ERROR, ""),
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
        "the transfer coding is not supported: send Content-Length, or chunks",
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

_BUG: Final = (
    HTTPStatus.INTERNAL_SERVER_ERROR,
    BUG_DETAIL,
)


class ProblemWorker(ThreadWorker):  # type: ignore[misc]
    """A worker with threads that answers what is not HTTP with a problem and disconnects."""

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Exception) -> None:
        """Answer a request that never reached the application, and log it without its text."""
        status, detail = next(
            (_REFUSALS[base] for base in type(exc).__mro__ if base in _REFUSALS), _BUG
        )
        write = log.error if status >= HTTPStatus.INTERNAL_SERVER_ERROR else log.info
        write("refused before reading", status=status.value, error=type(exc).__name__)
        try:
            util.write_nonblock(client, problem_bytes(status, detail or _BUG[1]))
        except OSError as cause:  # the client is gone
            log.info("refusal not sent", error=type(cause).__name__)


def problem_bytes(status: HTTPStatus, detail: str) -> bytes:
    """A whole HTTP answer after which the connection closes."""
    body = msgspec.json.encode(Problem("about:blank", status.phrase, status, detail))
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nConnection: close\r\n"
        f"Content-Type: {PROBLEM_JSON}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode("ascii") + body
