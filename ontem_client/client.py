"""The client of a merchant's back end: one method for each path that needs a key."""

import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from os import PathLike
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote
from uuid import UUID, uuid4

import msgspec

from ontem_client import ids
from ontem_client.address import read_url
from ontem_client.answers import Body, read_answer, unreadable
from ontem_client.bodies import (
    BatchAnswer,
    BatchBody,
    ChargebackAnswer,
    ChargebackBody,
    ChargebackKind,
    EvaluationAnswer,
    IfRefused,
    Order,
)
from ontem_client.deadline import Deadline
from ontem_client.errors import Refused
from ontem_client.exchange import Exchange
from ontem_client.explanation import Explanation
from ontem_client.messages import ApiKey, Request

VERSION: Final = "2026-11-26"
"""The day of the interface that this client was written for."""

CHECKOUT_SECONDS: Final = 1.0
BULK_SECONDS: Final = 10.0
"""The deadlines of calls that name none: the service gives itself 0.15 s and 5 s."""


class Client:
    """Ontem, for one merchant. Make one and share it: threads may call it at the same time.

    Each call ends within its deadline in seconds, whatever the network and the service do, and
    sends its request at most twice: again after a connection that was refused or broke, and after
    an answer that asks for it with `Retry-After`, if the deadline leaves the time. Every path does
    a repeated request once.

    Proxies and `.netrc` are not looked at. `ca_file` has the only authorities that are trusted;
    without it, those of the system are.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        deadline: float = CHECKOUT_SECONDS,
        bulk_deadline: float = BULK_SECONDS,
        ca_file: str | PathLike[str] | None = None,
        plain_http: bool = False,
    ) -> None:
        found = ApiKey.read(key)
        del key  # so that no traceback with local variables shows it
        if found is None:
            raise ValueError("this is not an API key: it must be like ontem_<id>_<secret>")
        self._key, self._service = found, read_url(url, plain_http=plain_http)
        for seconds in (deadline, bulk_deadline):
            Deadline(seconds)  # refuses what can't be one
        self._deadline, self._bulk_deadline = deadline, bulk_deadline
        tls = ssl.create_default_context(cafile=ca_file) if self._service.is_tls else None
        self._exchange = Exchange(self._service, tls)

    def evaluate(
        self, order: Order, *, deadline: float | None = None, request_id: str | None = None
    ) -> EvaluationAnswer:
        """The score of an order and what to do with it; again for the same order, the same answer.

        Raises NotAnswered (decide by your own rule, and send the order again later) and Refused.
        """
        call = self._call("POST", "/evaluate", self._seconds(deadline), request_id, order)
        return call.answer(EvaluationAnswer, lambda found: found.order_id == order.order_id)

    def evaluation(
        self,
        evaluation_id: UUID | str,
        *,
        deadline: float | None = None,
        request_id: str | None = None,
    ) -> EvaluationAnswer:
        """The stored answer with this id.

        Raises NotFound, another Refused, and NotAnswered; ValueError for an id that is not a UUID.
        """
        wanted = ids.evaluation_id(evaluation_id)
        call = self._call("GET", f"/evaluations/{wanted}", self._seconds(deadline), request_id)
        return call.answer(EvaluationAnswer, lambda found: found.evaluation_id == wanted)

    def evaluation_of_order(
        self, order_id: str, *, deadline: float | None = None, request_id: str | None = None
    ) -> EvaluationAnswer:
        """The stored answer of an order. Raises NotFound, another Refused, and NotAnswered."""
        path = f"/evaluations?order_id={quote(order_id, safe='', errors='replace')}"
        call = self._call("GET", path, self._seconds(deadline), request_id)
        return call.answer(EvaluationAnswer, lambda found: found.order_id == order_id)

    def explain(
        self,
        evaluation_id: UUID | str,
        *,
        deadline: float | None = None,
        request_id: str | None = None,
    ) -> Explanation:
        """The values of an evaluation, the orders behind them, and what moved its score; slow.

        Raises as `evaluation` does.
        """
        wanted = ids.evaluation_id(evaluation_id)
        path = f"/evaluations/{wanted}/explain"
        call = self._call("GET", path, self._bulk_seconds(deadline), request_id)
        return call.answer(Explanation, lambda found: found.evaluation.evaluation_id == wanted)

    def store_orders(
        self,
        orders: Sequence[Order],
        *,
        if_refused: IfRefused = "store_nothing",
        idempotency_key: str | None = None,
        deadline: float | None = None,
        request_id: str | None = None,
    ) -> BatchAnswer:
        """What became of up to 1,000 orders that an outage kept from being stored; none is scored.

        Raises BatchRefused, another Refused, and NotAnswered: then send the same batch again.
        """
        body = BatchBody(orders=orders, if_refused=if_refused)
        call = self._call(
            "POST", "/orders/batch", self._bulk_seconds(deadline), request_id, body,
            _or_new(idempotency_key, ""),
        )  # fmt: skip
        return call.answer(BatchAnswer, lambda found: len(found.orders) == len(orders))

    def report_chargeback(
        self,
        order_id: str,
        *,
        kind: ChargebackKind = "chargeback",
        reported_at: datetime | None = None,
        idempotency_key: str | None = None,
        deadline: float | None = None,
        request_id: str | None = None,
    ) -> ChargebackAnswer:
        """What became of the report of a chargeback, or with kind `reversal` that it was reversed.

        `reported_at`, with its offset, is when you were told; now if it is left out. Raises
        Refused, and NotAnswered: then report it again.
        """
        body = ChargebackBody(order_id=order_id, kind=kind, reported_at=reported_at)
        call = self._call(
            "POST", "/chargebacks", self._bulk_seconds(deadline), request_id, body,
            _or_new(idempotency_key, ""),
        )  # fmt: skip
        return call.answer(ChargebackAnswer, lambda found: found.order_id == order_id)

    def close(self) -> None:
        """Close the connections that wait for a next call; the client can still be used."""
        self._exchange.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        service = getattr(self, "_service", None)  # there is none while a URL is being refused
        return f"Client({service.host_header if service else ''})"

    def _seconds(self, deadline: float | None) -> float:
        return self._deadline if deadline is None else deadline

    def _bulk_seconds(self, deadline: float | None) -> float:
        return self._bulk_deadline if deadline is None else deadline

    def _call(
        self,
        method: str,
        path: str,
        seconds: float,
        request_id: str | None,
        body: msgspec.Struct | None = None,
        idempotency_key: str | None = None,
    ) -> "_Call":
        request_id = ids.request_id(_or_new(request_id, "c-"))
        headers = {
            "Host": self._service.host_header,
            "User-Agent": "ontem-client",
            "Accept": "application/json",
            "Ontem-Version": VERSION,
            "X-Request-Id": request_id,
        }
        if idempotency_key is not None:
            headers["Idempotency-Key"] = ids.idempotency_key(idempotency_key)
        content = b""
        if body is not None:
            content = _encoded(body, request_id)
            headers["Content-Type"] = "application/json"
            headers["Content-Length"] = str(len(content))
        request = Request(method, self._service.path + path, self._key, headers, content)
        return _Call(self._exchange, request, seconds)


@dataclass(frozen=True, slots=True)
class _Call:
    """A request that is ready to be sent."""

    exchange: Exchange
    request: Request
    seconds: float

    def answer(self, kind: type[Body], is_ours: Callable[[Body], bool]) -> Body:
        """The answer, which is one to this request. Raises OntemError."""
        answer = self.exchange.ask(self.request, self.seconds)
        body = read_answer(answer, kind, self.request.request_id)
        if not is_ours(body):
            detail = "the answer is one to another request"
            raise unreadable(answer, detail, self.request.request_id)
        return body


def _or_new(text: str | None, prefix: str) -> str:
    """An id that was given, also an empty one, which is then refused; else one of our own."""
    return f"{prefix}{uuid4().hex}" if text is None else text


def _encoded(body: msgspec.Struct, request_id: str) -> bytes:
    try:
        return msgspec.json.encode(body)
    except (TypeError, ValueError, OverflowError, RecursionError):
        pass  # so that the error below does not show the value with the one here
    detail = "a value can't be written as JSON: each must be of the type that its field has"
    raise Refused(detail, request_id=request_id)
