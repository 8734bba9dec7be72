"""An answer as a typed body, or as the error that says why there is none."""

from http import HTTPStatus
from typing import Final, TypeVar

import msgspec

from ontem_client import errors
from ontem_client.bodies import Problem
from ontem_client.errors import OntemError
from ontem_client.messages import Answer

Body = TypeVar("Body", bound=msgspec.Struct)

_OF_STATUS: Final[dict[int, type[OntemError]]] = {
    HTTPStatus.UNAUTHORIZED: errors.KeyRefused,
    HTTPStatus.FORBIDDEN: errors.KeyRefused,
    HTTPStatus.NOT_FOUND: errors.NotFound,
    HTTPStatus.REQUEST_TIMEOUT: errors.Unavailable,
    HTTPStatus.CONFLICT: errors.Conflict,
    HTTPStatus.TOO_MANY_REQUESTS: errors.RateLimited,
}
_BATCH_REFUSED: Final = "batch_refused"


def read_answer(answer: Answer, body: type[Body], request_id: str) -> Body:
    """The body of a 200. Raises the error that any other answer stands for."""
    if answer.status != HTTPStatus.OK:
        raise _error(answer, request_id)
    found = _decoded(answer.content, body) if answer.media_type == "application/json" else None
    if found is None:
        detail = "the answer is not of the form that this client knows"
        raise unreadable(answer, detail, request_id)
    return found


def unreadable(answer: Answer, detail: str, request_id: str) -> errors.AnswerUnreadable:
    """The error of an answer that may not be used."""
    return errors.AnswerUnreadable(detail, request_id=request_id, status=answer.status)


def _decoded(content: bytes, body: type[Body]) -> Body | None:
    try:
        return msgspec.json.decode(content, type=body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _error(answer: Answer, request_id: str) -> OntemError:
    if answer.status < HTTPStatus.BAD_REQUEST:
        detail = "a redirect or another answer without a body is not followed"
        return unreadable(answer, detail, request_id)
    is_problem = answer.media_type == "application/problem+json"
    problem = (_decoded(answer.content, Problem) if is_problem else None) or Problem()
    error = _kind(answer.status, problem.code)(
        problem.detail or f"the answer is {answer.status}, and not one of Ontem's own",
        request_id=problem.request_id or request_id,
        status=answer.status,
        code=problem.code,
        param=problem.param,
        retry_after=answer.retry_after,
    )
    if isinstance(error, errors.BatchRefused):
        error.orders = problem.orders
    return error


def _kind(status: int, code: str | None) -> type[OntemError]:
    if code == _BATCH_REFUSED:
        return errors.BatchRefused
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return errors.Unavailable
    return _OF_STATUS.get(status, errors.Refused)
