"""The body of `POST /evaluate`, parsed strictly."""

import re
from datetime import datetime
from typing import Annotated, Final, Literal

import msgspec

from features_pkg.orders.limits import (
    LONGEST_ORDER_ID,
    LONGEST_TEXT,
    MOST_CENTS,
    MOST_ITEMS,
    MOST_QUANTITY,
)
from service import strict_json
from service.errors import FieldRefused

MAX_BYTES: Final = 65_536
YEARS: Final = range(1900, 2200)
"""The years that a `placed_at` may be of, on its own clock; it moves nothing, it is only kept."""

OrderId = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_ORDER_ID)]
Text = Annotated[str, msgspec.Meta(max_length=LONGEST_TEXT)]
Product = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_TEXT)]
Cents = Annotated[int, msgspec.Meta(ge=0, le=MOST_CENTS)]
Quantity = Annotated[int, msgspec.Meta(ge=1, le=MOST_QUANTITY)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class ItemBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line of an order as it was sent."""

    product: Product
    quantity: Quantity
    amount_cents: Cents


class OrderBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An order as it was sent; identifiers are any text, valid or not."""

    order_id: OrderId
    amount_cents: Cents
    currency: Literal["BRL"] | None = None
    placed_at: Moment | None = None
    user: Text | None = None
    document: Text | None = None
    email: Text | None = None
    phone: Text | None = None
    zip_code: Text | None = None
    device: Text | None = None
    ip: Text | None = None
    card: Text | None = None
    items: Annotated[list[ItemBody], msgspec.Meta(max_length=MOST_ITEMS)] | None = None


_CENTS = f"it must be a whole number of cents from 0 to {MOST_CENTS}"
_EXPECTED: Final = {
    "order_id": f"it must be a text of 1 to {LONGEST_ORDER_ID} characters",
    "amount_cents": _CENTS,
    "currency": "it must be BRL, or be left out",
    "placed_at": "it must be an RFC 3339 instant with its offset, such as "
    "2018-06-01T12:00:00-03:00, or be left out",
    "items": f"it must be a list of at most {MOST_ITEMS} items, or be left out",
    "items[].product": f"it must be a text of 1 to {LONGEST_TEXT} characters",
    "items[].quantity": f"it must be a whole number from 1 to {MOST_QUANTITY}",
    "items[].amount_cents": _CENTS,
    "items[]": "it must be an object of product, quantity and amount_cents",
    "": "it must be one JSON object",
}
_TEXT: Final = f"it must be a text of at most {LONGEST_TEXT} characters, or null"
_PATH: Final = re.compile(r" - at `\$\.?([^`]*)`$")
_NAME: Final = re.compile(r"(unknown|missing required) field `(.*)`", re.DOTALL)


def parse(content: bytes) -> OrderBody:
    """The order that the bytes of a request's body state.

    Raises:
        BodyUnreadable: they are no JSON value in UTF-8.
        FieldRefused: a field is unknown, missing, of another type or out of bounds; it is named.
    """
    value = strict_json.decode(content)
    try:
        body = msgspec.convert(value, OrderBody)
    except msgspec.ValidationError as cause:
        raise _refusal(str(cause)) from None
    if body.placed_at is not None and body.placed_at.year not in YEARS:
        raise FieldRefused("placed_at", f"its year must be from {YEARS[0]} to {YEARS[-1]}")
    return body


def _refusal(message: str) -> FieldRefused:
    """The refusal that a message of msgspec stands for; no value of the client is in it."""
    at = _PATH.search(message)
    parent = at[1] if at else ""
    named = _NAME.search(_PATH.sub("", message))
    if named is None:
        return FieldRefused(parent, _EXPECTED.get(re.sub(r"\[\d+\]", "[]", parent), _TEXT))
    name = strict_json.shown(named[2])
    param = f"{parent}.{name}" if parent else name
    if named[1] == "unknown":
        return FieldRefused(param, "there is no such field: leave it out")
    return FieldRefused(param, "it is missing: send it")
