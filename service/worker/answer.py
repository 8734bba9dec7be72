"""A whole request, answered by the application into memory: no thread waits for a client."""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import msgspec
from gunicorn.http import wsgi

from service import log, request_headers
from service.problems import PROBLEM_JSON, bug_problem
from service.received import RECEIVED
from service.worker.refusals import whole_answer


@dataclass(frozen=True, slots=True)
class Answer:
    """The bytes of an answer, and whether the connection stays open after it."""

    content: bytes
    keep: bool
    status: int


class _Memory:
    """What gunicorn writes an answer to, in place of the client's socket."""

    __slots__ = ("parts",)

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    def sendall(self, content: bytes) -> None:
        self.parts.append(content)


def answer(
    application: Callable[..., Any],
    request: Any,
    addresses: tuple[Any, Any],
    settings: Any,
    *,
    received_at: float,
    request_id: str,
    is_closing: Callable[[], bool],
) -> Answer:
    """The application's answer to a whole request, or that it has a bug.

    `addresses` are the client's and the service's. `is_closing` is asked when the application has
    answered; the answer then says that the connection closes.
    """
    memory = _Memory()
    log.request_id.set(request_id)
    try:
        client, server = addresses
        response, environ = wsgi.create(request, memory, client, server, settings)
        environ["wsgi.multithread"] = True
        environ[RECEIVED] = received_at
        environ[request_headers.REQUEST_ID] = request_id
        chunks = application(environ, response.start_response)
        try:
            if is_closing():
                response.force_close()
            for chunk in chunks:
                response.write(chunk)
            response.close()
        finally:
            if hasattr(chunks, "close"):
                chunks.close()
    except Exception as error:  # noqa: BLE001  a header that HTTP does not allow, for one
        content = msgspec.json.encode(bug_problem(error, request_id))
        headers = {"Content-Type": PROBLEM_JSON, **request_headers.answer_headers(request_id)}
        status = HTTPStatus.INTERNAL_SERVER_ERROR
        return Answer(whole_answer(status, headers, content, close=True), False, status)
    return Answer(b"".join(memory.parts), not response.should_close(), response.status_code)
