"""The body of `POST /orders/batch`: orders that an outage kept from being stored."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

import msgspec

from features_pkg.orders.fields.order_id import read_order_id
from features_pkg.orders.fields.refusals import ValueRefused
from features_pkg.orders.fields.shape import shape_refusal
from features_pkg.orders.order import Order, content_hash
from service import body, strict_json
from service.described import described
from service.errors import FieldRefused

MOST_ORDERS: Final = 1_000
MOST_BYTES: Final = 2 * 1_024 * 1_024


class BatchBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Orders to store without an evaluation; each counts from when it is stored."""

    orders: Annotated[
        list[Any],
        described(
            "Each is an `OrderBody` and checked by itself: with `store_rest` one that is wrong "
            "is among the answer's orders, and refuses nothing else.",
            minItems=1,
            maxItems=MOST_ORDERS,
        ),
    ]
    if_refused: Annotated[
        Literal["store_nothing", "store_rest"],
        described("What to do with the other orders when one of them is refused."),
    ] = "store_nothing"


WHOLE_SCHEMA: Final = {
    "if": {"properties": {"if_refused": {"const": "store_rest"}}, "required": ["if_refused"]},
    "else": {"properties": {"orders": {"items": {"$ref": "#/components/schemas/OrderBody"}}}},
}
"""What the schema says of both fields together: each order must be right, or may be wrong."""

_RULES: Final = {
    "orders": f"must be a list of 1 to {MOST_ORDERS} orders",
    "if_refused": "must be store_nothing or store_rest, or be left out",
    "": "must be one JSON object with orders",
}


@dataclass(frozen=True, slots=True)
class SentOrder:
    """One order of a batch: as it was read, or why it can't be."""

    order: Order | None = None
    content_hash: bytes = b""
    order_id: str | None = None
    refused: FieldRefused | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """The orders of a batch, in the order in which they were sent."""

    orders: Sequence[SentOrder]
    stores_rest: bool


def parse(content: bytes, card_key: bytes) -> Batch:
    """The batch in the bytes of a body; orders that are wrong are in it, too.

    Raises BodyUnreadable, and FieldRefused for what is wrong with the batch as a whole.
    """
    try:
        batch = msgspec.convert(strict_json.decode(content), BatchBody)
    except msgspec.ValidationError as cause:
        refused = shape_refusal(str(cause), _RULES, "")
        raise FieldRefused(refused.field, refused.reason) from None
    if not 1 <= len(batch.orders) <= MOST_ORDERS:
        raise FieldRefused("orders", _RULES["orders"])
    orders = [_sent_order(value, n, card_key) for n, value in enumerate(batch.orders)]
    return Batch(orders, batch.if_refused == "store_rest")


def _sent_order(value: object, position: int, card_key: bytes) -> SentOrder:
    try:
        order = body.read(value, card_key)
    except FieldRefused as refused:
        path = f"orders[{position}]" + (f".{refused.param}" if refused.param else "")
        return SentOrder(order_id=_order_id(value), refused=FieldRefused(path, refused.detail))
    return SentOrder(order, content_hash(order), order.order_id)


def _order_id(value: object) -> str | None:
    """The id of an order that is refused for another reason."""
    order_id = value.get("order_id") if isinstance(value, dict) else None
    try:
        return read_order_id(order_id) if isinstance(order_id, str) else None
    except ValueRefused:
        return None
