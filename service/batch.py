"""`POST /orders/batch`: stores orders that an outage kept from being stored."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, cast

import msgspec
from flask import Flask, Response, g
from psycopg.types.numeric import Int8

from features_pkg.identifiers import SINGLE_VALUED
from service import batch_body
from service.batch_body import Batch, SentOrder
from service.bulk import TIME_LIMIT, answer_once, read_body
from service.described import described
from service.errors import BatchRefused, FieldRefused, OrderConflict
from service.merchant_request import Needs, merchant_request, request_deadline
from service.order_outcome import OrderOutcome
from service.recording import item_fields
from service.session import ServiceConnection
from service.statements import prepare, rows

STORE_ORDERS: Final = prepare("store_orders", "merchant_id", "orders")
_STORED: Final = (
    "SELECT order_id, content_hash FROM orders WHERE merchant_id = %s AND order_id = ANY(%s)"
)


class BatchAnswer(msgspec.Struct, frozen=True):
    """What became of each order of a batch."""

    stored: int
    known: Annotated[int, described("Those that were stored before, with the same content.")]
    refused: Annotated[int, described("Never above 0 with `store_nothing`: that is a 422.")]
    orders: tuple[OrderOutcome, ...]


def register(app: Flask, needs: Needs) -> None:
    """Answer `POST /orders/batch`."""

    @app.post("/orders/batch")
    def store_orders() -> Response:
        deadline = request_deadline(TIME_LIMIT)
        content = read_body(batch_body.MOST_BYTES)
        with merchant_request(needs, deadline, is_awaited=False, stores=True) as asked:
            batch = batch_body.parse(content, needs.card_key)
            merchant_id = asked.merchant.merchant_id
            return answer_once(
                asked, content, lambda connection: _answer(connection, merchant_id, batch)
            )


def _answer(connection: ServiceConnection, merchant_id: int, batch: Batch) -> bytes:
    """Store the orders of a batch, and say what became of each. Raises BatchRefused."""
    firsts = _firsts(batch.orders)
    stored = _store(connection, merchant_id, firsts)
    others = [order_id for order_id in firsts if order_id not in stored]
    hashes = {order_id: sent.content_hash for order_id, sent in firsts.items()}
    if others:
        for order_id, content_hash in connection.execute(_STORED, (merchant_id, others)):
            hashes[str(order_id)] = cast(bytes, content_hash)
    outcomes = []
    for position, sent in enumerate(batch.orders):
        outcome = _outcome(position, sent, hashes, is_new=sent.order_id in stored)
        outcomes.append(outcome)
        if outcome.state == "stored":
            stored.discard(str(sent.order_id))  # the same order again in the batch is known
    refused = tuple(outcome for outcome in outcomes if outcome.state == "refused")
    if refused and not batch.stores_rest:
        raise BatchRefused(refused, len(outcomes))
    states = [outcome.state for outcome in outcomes]
    counts = {name: states.count(name) for name in ("stored", "known", "refused")}
    g.log_fields |= counts
    return msgspec.json.encode(BatchAnswer(**counts, orders=tuple(outcomes)))


def _firsts(orders: Sequence[SentOrder]) -> dict[str, SentOrder]:
    """The orders that can be stored, by id; of two with the same id the first."""
    firsts: dict[str, SentOrder] = {}
    for sent in orders:
        if sent.order is not None:
            firsts.setdefault(sent.order.order_id, sent)
    return firsts


def _store(
    connection: ServiceConnection, merchant_id: int, orders: Mapping[str, SentOrder]
) -> set[str]:
    """Store the orders whose ids are new: their ids."""
    content = msgspec.json.encode([_columns(sent) for sent in orders.values()]).decode()
    values = {"merchant_id": Int8(merchant_id), "orders": content}
    return {order_id for (order_id,) in rows(connection, STORE_ORDERS, values)}


def _columns(sent: SentOrder) -> dict[str, Any]:
    order = sent.order
    assert order is not None  # noqa: S101
    return {name: getattr(order, name) for name in SINGLE_VALUED} | {
        "order_id": order.order_id,
        "placed_at": order.placed_at,
        "content_hash": sent.content_hash.hex(),
        "amount_cents": order.amount_cents,
        "product": order.product,
        "items": [item_fields(item) for item in order.items],
    }


def _outcome(
    position: int, sent: SentOrder, hashes: Mapping[str, bytes], *, is_new: bool
) -> OrderOutcome:
    refused = sent.refused
    if refused is None and hashes.get(str(sent.order_id)) != sent.content_hash:
        path = f"orders[{position}].order_id"
        return _refused(position, sent, "order_conflict", FieldRefused(path, str(OrderConflict())))
    if refused is not None:
        return _refused(position, sent, "field_refused", refused)
    state = "stored" if is_new else "known"
    return OrderOutcome(position=position, order_id=sent.order_id, state=state)  # type: ignore[arg-type]


def _refused(position: int, sent: SentOrder, code: str, refused: FieldRefused) -> OrderOutcome:
    return OrderOutcome(
        position=position,
        order_id=sent.order_id,
        state="refused",
        code=code,
        param=refused.param,
        detail=refused.detail,
    )
