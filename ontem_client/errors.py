"""What a call raises when there is no answer to return.

Whoever waits at a checkout needs two of these: `NotAnswered` (nobody decided: use your own rule,
and send the order again later) and `Refused` (the same request would be refused again: mend it).
No error has the API key, or a value of an order, in its text.
"""

from typing import Any

from ontem_client.bodies import OrderOutcome


class OntemError(Exception):
    """A call without the answer that was asked for."""

    def __init__(
        self,
        detail: str,
        *,
        request_id: str,
        status: int | None = None,
        code: str | None = None,
        param: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        """For people. It may be reworded; decide by the type, or by `code`."""
        self.request_id = request_id
        """The id that the service's log has of the request, if the service saw it."""
        self.status = status
        """The HTTP status; None if no answer came."""
        self.code = code
        """The stable code of the problem, such as `order_conflict`; None if the answer had none."""
        self.param = param
        """With a status of 422, the path of the field, such as `items[0].quantity`."""
        self.retry_after = retry_after
        """In how many seconds the service asks for the request again."""

    def __str__(self) -> str:
        code = f", {self.code}" if self.code else ""
        status = f"status {self.status}{code}, " if self.status else ""
        return f"{self.detail} ({status}request {self.request_id})"

    def __reduce__(self) -> tuple[Any, ...]:  # keyword arguments would be lost between processes
        return _rebuilt, (type(self), vars(self))


class NotAnswered(OntemError):
    """Nobody decided: use your own rule, and send the same order again.

    Whether the request was done is not known. Sending it again does it once.
    """


class DeadlinePassed(NotAnswered):
    """No whole answer came within the call's deadline."""


class ConnectionFailed(NotAnswered):
    """The service was not reached, its certificate was not accepted, or the connection broke."""


class AnswerUnreadable(NotAnswered):
    """What came is not an answer of Ontem: a redirect, another page, broken or endless JSON."""


class Unavailable(NotAnswered):
    """The service, or a proxy before it, can't answer now (408, or any status from 500 on)."""


class RateLimited(NotAnswered):
    """The merchant sends more than it may (429); `retry_after` says when there is room again."""


class Refused(OntemError):
    """The request was not done, and would be refused again (any other 4xx)."""


class KeyRefused(Refused):
    """The API key is unknown or revoked, or was not allowed here (401, 403)."""


class NotFound(Refused):
    """This merchant has no such evaluation (404)."""


class Conflict(Refused):
    """The order's id is stored with other content (409)."""


class BatchRefused(Refused):
    """Orders of a batch are wrong, and none was stored (422 `batch_refused`)."""

    orders: tuple[OrderOutcome, ...] = ()
    """The orders that were refused, each with its reason."""


def _rebuilt(kind: type[OntemError], state: dict[str, Any]) -> OntemError:
    error = kind(state["detail"], request_id=state["request_id"])
    vars(error).update(state)
    return error
