"""The body of `POST /evaluate`: its shape is checked here, its values where files' values are."""

from typing import Any, Final, Literal

import msgspec

from features_pkg.identifiers import SINGLE_VALUED
from features_pkg.orders.fields.order import read_order
from features_pkg.orders.fields.refusals import ValueRefused
from features_pkg.orders.fields.shape import shape_refusal
from features_pkg.orders.limits import LONGEST_ORDER_ID, LONGEST_TEXT, MOST_CENTS
from features_pkg.orders.order import Order
from service import strict_json
from service.errors import FieldRefused


class OrderBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An order as it was sent; identifiers are any text, valid or not."""

    order_id: str | None
    amount_cents: int | None
    currency: Literal["BRL"] | None = None
    placed_at: str | None = None
    user: str | None = None
    document: str | None = None
    email: str | None = None
    phone: str | None = None
    zip_code: str | None = None
    device: str | None = None
    ip: str | None = None
    card: str | None = None
    seller: str | None = None
    items: Any = None
    """A list of items, or null; it is read with the other values."""


_TEXT_RULE: Final = f"must be a text of at most {LONGEST_TEXT} characters, or null"
_RULES: Final = {
    "order_id": f"must be a text of 1 to {LONGEST_ORDER_ID} characters",
    "amount_cents": f"must be a whole number of cents from 0 to {MOST_CENTS}",
    "currency": "must be BRL, or be left out",
    "placed_at": "must be an ISO 8601 instant with its offset, such as "
    "2018-06-01T12:00:00-03:00, or be left out",
    "": "must be one JSON object",
}
"""What the type of a field must be, by its path without positions; all other fields are texts."""


def parse(content: bytes, card_key: bytes) -> Order:
    """The canonical order in the bytes of a request's body.

    `card_key` is the secret of the fingerprint that replaces a card's number.

    Raises:
        BodyUnreadable: they are not a JSON value in UTF-8.
        FieldRefused: a field is unknown, missing, of another type or out of bounds; it is named.
    """
    value = strict_json.decode(content)
    try:
        body = msgspec.convert(value, OrderBody)
    except msgspec.ValidationError as cause:
        refused = shape_refusal(str(cause), _RULES, _TEXT_RULE)
        raise FieldRefused(refused.field, refused.reason) from None
    try:
        return read_order(
            body.order_id,
            body.amount_cents,
            {name: getattr(body, name) for name in SINGLE_VALUED},
            card_key=card_key,
            placed_at=body.placed_at,
            items=body.items,
        )
    except ValueRefused as refused:
        raise FieldRefused(refused.field, refused.reason) from None
