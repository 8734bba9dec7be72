"""The way of a usual `POST /evaluate` around Flask, which takes 0.1 ms to find one path.

What is refused or fails goes Flask's way after all, so that one place says what that looks like. So
does each request whose host, path, method or protocol Flask could take for another.
"""

import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from service import answer_log, log, request_headers
from service.evaluate_path import EVALUATE, EvaluateNeeds, evaluate
from service.received import received_at
from service.request_content import JSON

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_FAILED: Final = "ontem.failed"
"""The key of a `_Failed` in a WSGI environment."""

_usual_host: Final = re.compile(
    r"[A-Za-z0-9-]{1,63}([.][A-Za-z0-9-]{1,63})*(:[0-9]{1,5})?"
).fullmatch


@dataclass(frozen=True, slots=True)
class _Failed:
    """What a request raised on the short way, and when it began (`time.perf_counter`)."""

    error: Exception
    started: float


class Shortcut:
    """A WSGI application that answers usual evaluations, and hands the rest to Flask's."""

    def __init__(self, application: "WSGIApplication", needs: EvaluateNeeds) -> None:
        self._application, self._needs = application, needs

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer one request."""
        if not _is_usual(environ):
            return self._application(environ, start_response)
        started = time.perf_counter()
        request_id = environ[request_headers.REQUEST_ID] = request_headers.id_in(environ)
        log.request_id.set(request_id)
        try:
            evaluated = evaluate(self._needs, environ)
        except Exception as error:  # noqa: BLE001  Flask's handlers know what it is
            environ[_FAILED] = _Failed(error, started)
            return self._application(environ, start_response)
        headers = [
            *evaluated.headers.items(),
            ("Content-Type", JSON),
            ("Content-Length", str(len(evaluated.content))),
            *request_headers.answer_headers(request_id).items(),
        ]
        answer_log.answered("evaluate", 200, received_at(environ), started, evaluated.log_fields)
        start_response("200 OK", headers)
        return [evaluated.content]


def _is_usual(environ: Mapping[str, Any]) -> bool:
    """Whether Flask would take a request for an evaluation; never true if it would not."""
    return (
        environ.get("PATH_INFO") == EVALUATE
        and environ["REQUEST_METHOD"] == "POST"
        and "HTTP_UPGRADE" not in environ
        and _usual_host(environ.get("HTTP_HOST", "")) is not None
    )


def started_at(environ: Mapping[str, Any]) -> float:
    """When a request began that has failed on the short way, by `time.perf_counter`; else now."""
    failed = environ.get(_FAILED)
    return time.perf_counter() if failed is None else failed.started


def raise_failure(environ: "WSGIEnvironment") -> None:
    """Raise what a request raised on the short way."""
    failed = environ.pop(_FAILED, None)
    if failed is not None:
        raise failed.error
