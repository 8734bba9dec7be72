"""What the service refuses; `service/problems.py` says how that looks over HTTP."""

from collections.abc import Sequence

from features_pkg.errors import OntemError
from service.order_outcome import OrderOutcome


class ServiceError(OntemError):
    """Base of every refusal of a request; its text is for the client and repeats no sent value."""


class BodyUnreadable(ServiceError):
    """The body can't be read as JSON: broken, empty, nested too deep, or not UTF-8."""


class FieldRefused(ServiceError):
    """One field of the request is wrong; `param` is its path, such as `items[0].quantity`."""

    def __init__(self, param: str, detail: str) -> None:
        super().__init__(f"{param or 'the body'}: {detail}")
        self.param, self.detail = param, detail


class BatchRefused(ServiceError):
    """Orders of a batch are wrong, and the caller wants nothing stored then."""

    def __init__(self, orders: Sequence[OrderOutcome], sent: int) -> None:
        super().__init__(
            f"{len(orders)} of {sent} orders can't be stored, so none is: mend or leave out those "
            "that `orders` names, or send if_refused as store_rest"
        )
        self.orders, self.sent = tuple(orders), sent


class IdempotencyKeyReused(ServiceError):
    """The key was sent with another request in the last 24 hours."""

    def __init__(self) -> None:
        super().__init__(
            "this Idempotency-Key belongs to another request of the last 24 hours: "
            "send a new key with a new request, and the old body with the old key"
        )


class BodyTooLarge(ServiceError):
    """The body has more bytes than its path takes."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"the body has more than {limit} bytes: send less in one request")
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
    """As many requests wait as may wait, or this one has waited for too long."""

    def __init__(self) -> None:
        super().__init__("too many requests wait for an answer: send the same request again later")


class RateLimited(ServiceError):
    """The merchant sends more than its policy grants."""

    def __init__(self, merchant_id: int, limit: int, seconds: int) -> None:
        """`limit` is in requests a second; in so many `seconds` this one will be taken."""
        super().__init__(
            f"more than {limit} requests a second: send the same request again in {seconds} s"
        )
        self.merchant_id, self.seconds = merchant_id, seconds


class MediaTypeRefused(ServiceError):
    """The body is not declared as plain UTF-8 JSON."""

    def __init__(self) -> None:
        super().__init__("send one JSON object as Content-Type: application/json, in UTF-8")


class VersionRefused(ServiceError):
    """The client asks for a version of the interface that the service does not have."""

    def __init__(self, version: str) -> None:
        super().__init__(f"Ontem-Version must be {version}, or be left out")
        self.version = version


class IdempotencyKeyRefused(ServiceError):
    """The request has an idempotency key of another form, or two of them."""

    def __init__(self) -> None:
        super().__init__(
            "send one Idempotency-Key of 1 to 255 visible ASCII characters but the comma, or none"
        )


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


class EvaluationNotFound(ServiceError):
    """The merchant has no such evaluation; whether another one has is not said."""

    def __init__(self) -> None:
        super().__init__("there is no such evaluation")


class StoreUnavailable(ServiceError):
    """PostgreSQL did not store or read what was asked; the request may be sent again."""

    def __init__(self) -> None:
        super().__init__(
            "the database did not answer in time, or not as it should: send the same request again"
        )


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
